"""How many tasks ended, how long they took, and how late they began."""

from __future__ import annotations

from django.db import models


class Statistic(models.Model):
    """What ended within one hour, of one job, queue or schedule. `scheduling.lateness` has the bounds of the lists."""

    hour = models.DateTimeField(help_text="The hour in which the tasks ended.")
    by = models.CharField(max_length=10, help_text="job, queue or schedule.")
    name = models.CharField(max_length=100, help_text="Of the job or queue; of a schedule its id.")
    outcomes = models.JSONField(default=dict, help_text="How many ended so, by status.")
    durations = models.JSONField(default=list, help_text="How many took so long, by bucket.")
    lateness = models.JSONField(default=list, help_text="How many occurrences began so late, by bucket.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["by", "name", "hour"], name="tandem_one_row_per_statistic")]
        indexes = [models.Index(fields=["by", "hour"], name="tandem_statistic_of_hour")]

    def __str__(self) -> str:
        return f"{self.by} {self.name} at {self.hour}"


class StatisticsPosition(models.Model):
    """Up to where the event log is counted: one row. See scheduling.events.horizon for the gaps."""

    high = models.BigIntegerField()
    gaps = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"counted up to event {self.high}"
