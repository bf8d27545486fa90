"""The log of what people and programs have changed."""

from __future__ import annotations

from typing import Any

from django.db import models

from scheduling.models.actor import Actor
from scheduling.models.append_only import AppendOnly, AppendOnlyRows, OnlyAdded


class AuditEntry(models.Model):
    """One change: who made it, when, of what, and what was different before. `scheduling.audit` writes it.

    Its number is one of those of the event log, so both are one sequence. Numbers of entries appear in their order.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.ForeignKey(Actor, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    subject = models.CharField(max_length=20, help_text="What was changed: schedule, task, workflow, token, ...")
    subject_id = models.CharField(max_length=64, help_text="Its id, or its name.")
    name = models.CharField(max_length=200, default="", blank=True, help_text="Its name at that time.")
    owner = models.BigIntegerField(null=True, help_text="The number of the group that it belonged to.")
    action = models.CharField(max_length=20)
    changes = models.JSONField(default=dict, help_text="Field by field, what was before and after; secrets are masked.")

    objects = models.Manager.from_queryset(AppendOnlyRows)()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["actor", "number"], name="tandem_audit_by_actor"),
            models.Index(fields=["subject", "subject_id", "number"], name="tandem_audit_by_subject"),
            models.Index(fields=["action", "number"], name="tandem_audit_by_action"),
            models.Index(
                fields=["owner", "number"], name="tandem_audit_owned", condition=models.Q(owner__isnull=False)
            ),
            models.Index(fields=["at", "number"], name="tandem_audit_at"),
            AppendOnly(fields=["number"], name="tandem_audit_only_added"),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.subject} {self.subject_id} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row. Raises OnlyAdded where it is stored already."""
        if not self._state.adding:
            raise OnlyAdded("Rows of this table are only added.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        """Raises OnlyAdded: retention alone deletes."""
        raise OnlyAdded("Rows of this table are only added.")
