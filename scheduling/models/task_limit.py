"""What is known of a limit, and the row that is locked while a place is taken."""

from __future__ import annotations

from django.db import models

from scheduling.task_limits import LONGEST_TARGET, Limit


class TaskLimit(models.Model):
    """A limit as it was last applied. How many tasks run is counted in the table of tasks, and nowhere else.

    Who claims a task of a limit holds the lock of this row, so that places are given one after the other.
    """

    target = models.CharField(max_length=LONGEST_TARGET, primary_key=True, help_text="Such as job:reports.daily.")
    concurrency = models.PositiveIntegerField(null=True, blank=True)
    rate = models.CharField(max_length=20, default="", blank=True)
    burst = models.PositiveIntegerField(null=True, blank=True)
    all_free_at = models.DateTimeField(
        null=True, blank=True, help_text="When as many tasks may start at once as the rate allows after a pause."
    )

    def __str__(self) -> str:
        return self.target

    @property
    def limit(self) -> Limit:
        """The limit that the row holds."""
        return Limit(self.concurrency, self.rate, self.burst)
