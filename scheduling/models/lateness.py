"""How late occurrences were handed over."""

from __future__ import annotations

from django.db import models


class LatenessBucket(models.Model):
    """How many occurrences of one hour and one backend were so late. `scheduling.lateness` has the bounds."""

    hour = models.DateTimeField(help_text="The hour in which they were handed over, or started.")
    backend = models.CharField(max_length=50, help_text="What woke us: beat, crontab, or upkeep in their place.")
    bucket = models.PositiveSmallIntegerField()
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hour", "backend", "bucket"], name="tandem_one_row_per_lateness_bucket")
        ]

    def __str__(self) -> str:
        return f"{self.count} in bucket {self.bucket} of {self.backend} at {self.hour}"
