"""What people say on the pages, and what is of no concern to the domain."""

from __future__ import annotations

from django.conf import settings
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


class SavedView(models.Model):
    """A list with filters and an order that a user has given a name."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.CharField(max_length=20, help_text="The name of the list.")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1_000, help_text="The parameters of its address.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "page", "name"], name="tandem_one_view_per_name")]

    def __str__(self) -> str:
        return f"{self.name}: {self.page}?{self.query}"
