"""The append-only event log: live status and the history of a task are read from it."""

from __future__ import annotations

from django.db import models

from scheduling.models.actor import Actor
from scheduling.models.task import STATUSES, Task


class TaskEvent(models.Model):
    """One event of a task. Within a task, the numbers are 1, 2, 3 and so on, without gaps, in the order of commit.

    The transaction that adds an event also updates the row of the task. The lock of that row orders the numbers.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="event_log", db_index=False)
    # Before the number, so that PostgreSQL needs no padding between them.
    at = models.DateTimeField()
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=STATUSES)
    detail = models.JSONField(default=dict, blank=True)
    actor = models.ForeignKey(
        Actor,
        null=True,
        blank=True,
        # As Task.created_by.
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
        help_text="Who did it; null for what woke the task (its first event), and for the process that runs it.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="tandem_one_event_per_number")]

    def __str__(self) -> str:
        return f"event {self.number} of task {self.task_id}: {self.status}"
