"""What does a wake-up do? It decides what is due on this machine, and says which tasks have to run here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings

from backends.crontab import look
from backends.crontab.spool import telling
from scheduling import clock, delivery, dispatch
from scheduling.database_away import wait_through
from scheduling.executor import executor
from scheduling.lifecycle import Status
from scheduling.models import Task
from scheduling.upkeep import lost_attempts

log = logging.getLogger(__name__)

T = TypeVar("T")


def decide(*, sleep: Callable[[float], None] = time.sleep) -> list[Task]:
    """Decide all that is due on this machine, and hand over what other processes run. Returns what has to run here.

    What was done here without the database is told first. Raises OperationalError or InterfaceError if the database is
    away for about 20 seconds.
    """
    host = settings.TANDEM_HOST
    _with_patience(lambda: telling.tell(now=clock.now()), sleep)
    tasks = _with_patience(lambda: dispatch.decide_due_on(host, "crontab", now=clock.now()), sleep)
    here = [task for task in tasks if executor(task.executor).in_process]
    elsewhere = [task for task in tasks if task not in here]
    if elsewhere:
        _with_patience(lambda: delivery.submit(elsewhere, now=clock.now()), sleep)
    return here


def take_left_behind(*, sleep: Callable[[float], None] = time.sleep) -> list[Task]:
    """One batch of the tasks of this machine that were not claimed in time. Raises the same errors as `decide`."""
    return _with_patience(lambda: delivery.take_unclaimed(now=clock.now(), host=settings.TANDEM_HOST), sleep)


def lose_gone(*, sleep: Callable[[float], None] = time.sleep) -> None:
    """Give up the attempts whose processes on this machine have ended. Raises the same errors as `decide`."""
    _with_patience(lambda: lost_attempts.lose_gone(now=clock.now()), sleep)


def run_task(task_id: int, attempt: int, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Run an attempt here, unless it is not queued any more. Raises the same errors as `decide`."""
    waiting = Task.objects.filter(pk=task_id, attempt=attempt, status=Status.QUEUED)
    task = _with_patience(waiting.first, sleep)
    if task is not None:
        _with_patience(lambda: delivery.submit([task], now=clock.now()), sleep)


def _with_patience(work: Callable[[], T], sleep: Callable[[float], None]) -> T:
    """Return what `work` returns. If the database is away, try again after each of look.PAUSES.

    `work` may be repeated: an attempt can be claimed only once. cron mails what is logged above INFO.
    """
    return wait_through(work, pauses=look.PAUSES, level=logging.INFO, sleep=sleep)
