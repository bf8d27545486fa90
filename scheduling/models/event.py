"""The append-only event log: live status and the history of a task are read from it."""

from __future__ import annotations

from django.db import models

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

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="tandem_one_event_per_number")]

    def __str__(self) -> str:
        return f"event {self.number} of task {self.task_id}: {self.status}"
