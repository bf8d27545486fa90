"""Which groups may not be deleted? Those that own schedules: their number would belong to nobody."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db.models import ProtectedError
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from scheduling.owners import owned_by


@receiver(pre_delete, sender=Group)
def keep_owner(instance: Group, **_: Any) -> None:
    """Raises ProtectedError for a group that owns a schedule. What an owner has left in the ledger stays there."""
    if first := owned_by(instance.pk):
        raise ProtectedError(f"The group {instance.name} owns schedules: give them to another owner first.", {first})
