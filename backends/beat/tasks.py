"""What a PeriodicTask entry of ours makes a worker do: look at one schedule now."""

from __future__ import annotations

import logging

from celery import shared_task

from backends.beat.entries import WAKE_TASK
from scheduling import clock, delivery, dispatch
from scheduling.errors import NotFound
from scheduling.upkeep.sweep import sweep

log = logging.getLogger(__name__)


@shared_task(name=WAKE_TASK, ignore_result=True)
def fire(schedule_id: int) -> None:
    """Turn the due occurrences of the schedule into tasks.

    Only the stock scheduler sends this message. LedgerScheduler dispatches without one.
    """
    now = clock.now()
    try:
        tasks = dispatch.fire(schedule_id, now=now, woken_by="beat")
    except NotFound:
        log.info("there is no schedule %d: the next sync deletes its PeriodicTask", schedule_id)
    else:
        # The schedule may have moved to a crontab while this message waited. Then the agent of its host runs the task.
        delivery.hand_over(tasks, now=now)
    sweep(now=now)
