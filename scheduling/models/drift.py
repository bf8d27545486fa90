"""What differed between an engine and the schedules, and for how long."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class DriftRecord(models.Model):
    """One difference: when it was noticed, when it was seen last, and when it was mended.

    `number` grows with each change of any record: who has read up to a number asks for the larger ones. Each record
    has the number of its last change.
    """

    number = models.PositiveBigIntegerField(unique=True)
    backend = models.CharField(max_length=50)
    host = models.CharField(max_length=253, default="", blank=True, help_text="Whose entries; empty for Beat.")
    kind = models.CharField(max_length=20)
    wanted = models.TextField(default="", blank=True, help_text="What should be there; empty for nothing.")
    found = models.TextField(default="", blank=True, help_text="What is there; empty for nothing.")
    noticed_by = models.CharField(max_length=300, help_text="Which process on which machine.")
    noticed_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was seen last.")
    mended_at = models.DateTimeField(null=True, blank=True, help_text="When it was no longer there; empty while it is.")

    class Meta:
        indexes = [
            # The agent of each host asks every few seconds which differences are open: hardly ever one.
            models.Index(fields=["backend", "host"], name="tandem_drift_open", condition=Q(mended_at__isnull=True)),
            models.Index(fields=["host", "-id"], name="tandem_drift_of_host"),
            models.Index(fields=["mended_at"], name="tandem_drift_mended", condition=Q(mended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.backend} {self.host}".rstrip()


class DriftSchedule(models.Model):
    """A schedule that a difference concerns, by its number: an entry may outlive its schedule."""

    record = models.ForeignKey(DriftRecord, on_delete=models.CASCADE, related_name="concerned")
    schedule_id = models.PositiveBigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"schedule {self.schedule_id} of difference {self.record_id}"
