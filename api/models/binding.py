"""Who is bound to an owner."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q


class Binding(models.Model):
    """A user, or everybody in a group, who sees and changes only what belongs to `owner` (and to other such owners).

    The groups cannot be deleted meanwhile: people who lose their only binding would see everything.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="owner_bindings"
    )
    group = models.ForeignKey(Group, on_delete=models.PROTECT, null=True, blank=True, related_name="owner_bindings")
    owner = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="bound_to_it")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="tandem_binding_of_user_or_group",
                condition=Q(user__isnull=False, group__isnull=True) | Q(user__isnull=True, group__isnull=False),
            ),
            models.UniqueConstraint(fields=["user", "owner"], name="tandem_one_binding_of_user"),
            models.UniqueConstraint(fields=["group", "owner"], name="tandem_one_binding_of_group"),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group} to {self.owner}"
