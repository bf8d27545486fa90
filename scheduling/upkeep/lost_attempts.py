"""Finds and ends the attempts whose process is gone."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from django.db import transaction

from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import Task

log = logging.getLogger(__name__)

BATCH: Final = 500
# An attempt is lost when its process has sent no heartbeat for this time: four intervals.
LOST_AFTER: Final = 4 * ledger.HEARTBEAT


def lose_silent(*, now: datetime) -> None:
    """End the attempts that have had no heartbeat for LOST_AFTER, one batch at most."""
    silent = Task.objects.filter(status=Status.RUNNING, heartbeat_at__lt=now - LOST_AFTER)
    for task in silent[:BATCH]:
        error = f"The process that ran the task has sent no heartbeat since {task.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC."
        with transaction.atomic():
            still = Task.objects.select_for_update().filter(pk=task.pk, heartbeat_at=task.heartbeat_at)
            if still.exists() and ledger.lose(task, error=error, now=now):
                log.error("task %d attempt %d is lost: no heartbeat since %s", task.pk, task.attempt, task.heartbeat_at)
