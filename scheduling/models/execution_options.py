"""How a task is run: the options that schedules and tasks have in common."""

from __future__ import annotations

from typing import Any

from django.db import models


class OnLost(models.TextChoices):
    """What to do with a task whose process died."""

    RETRY = "retry"
    FAIL = "fail"


class ExecutionOptions(models.Model):
    """The options that a schedule gives to its tasks.

    Members that are not in `retries` come from the job. An empty limit is that of the settings; an empty queue is the
    default one.
    """

    priority = models.PositiveSmallIntegerField(default=5, help_text="0 to 9, 9 first.")
    queue = models.CharField(max_length=64, default="", blank=True, help_text="Only its workers take the task.")
    limit_key = models.CharField(max_length=64, default="", blank=True, help_text="What limits of a key go by.")
    retries = models.JSONField(default=dict, blank=True, help_text="Some of max, base, factor, cap, jitter.")
    soft_timeout = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds until the job is interrupted.")
    timeout = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds until its process is killed.")
    on_lost = models.CharField(max_length=5, choices=OnLost, default=OnLost.FAIL)

    class Meta:
        abstract = True

    @staticmethod
    def of(given: ExecutionOptions) -> dict[str, Any]:
        """The values of all options of a schedule or a task, by the names of the fields."""
        return {field.attname: getattr(given, field.attname) for field in ExecutionOptions._meta.fields}
