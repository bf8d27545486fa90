"""The append-only log that live status, webhooks and audit read."""

from __future__ import annotations

from django.db import models

from scheduling.models.task import STATUSES, Task


class TaskEvent(models.Model):
    """Something that happened to a task. Numbers run 1, 2, 3 within a task, without gaps, in the order of commit.

    The task's row is updated in the same transaction, so its lock is what orders the numbers.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="event_log", db_index=False)
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=STATUSES)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="tandem_one_event_per_number")]

    def __str__(self) -> str:
        return f"event {self.number} of task {self.task_id}: {self.status}"
