"""What a PeriodicTask entry means: "look at this schedule now"."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from backends.beat.entries import WAKE_TASK
from scheduling import delivery, dispatch
from scheduling.errors import NotFound
from scheduling.upkeep.sweep import sweep

log = logging.getLogger(__name__)


@shared_task(name=WAKE_TASK, ignore_result=True)
def fire(schedule_id: int) -> None:
    """Turn what is due of the schedule into tasks. Only the stock scheduler sends this: LedgerScheduler dispatches."""
    now = timezone.now()
    try:
        tasks = dispatch.fire(schedule_id, now=now, woken_by="beat")
    except NotFound:
        log.info("schedule %d is gone: its PeriodicTask goes with the next sync", schedule_id)
    else:
        # A schedule that moved to a crontab while this message waited runs on its host, whose agent finds its task.
        delivery.hand_over(tasks, now=now)
    sweep(now=now)
