"""What people say on the pages, and what is of no concern to the domain."""

from __future__ import annotations

from django.db import models


class Acknowledgement(models.Model):
    """Somebody has seen what failed or was missed: it is no news any more, up to and including this task.

    `subject` is what Today shows as one item: a schedule, or a job of one-off tasks, and the status.
    """

    subject = models.CharField(max_length=150, unique=True)
    task = models.PositiveBigIntegerField(help_text="The id of the newest task that was seen.")
    by = models.CharField(max_length=254)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.subject} up to task {self.task}, by {self.by}"
