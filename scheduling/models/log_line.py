"""What jobs write to their log."""

from __future__ import annotations

from django.db import models

from scheduling.models.task import Task


class TaskLogLine(models.Model):
    """One line that a job logged through its context. A limited number of lines is kept for each attempt."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="lines")
    attempt = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=10)
    message = models.TextField()

    def __str__(self) -> str:
        return f"{self.level}: {self.message}"
