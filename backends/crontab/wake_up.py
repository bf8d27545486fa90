"""What a wake-up does: ask the ledger what is due, run it, and run what was left behind on this machine."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.conf import settings
from django.utils import timezone

from scheduling import delivery, dispatch
from scheduling.database_away import wait_through
from scheduling.errors import NotFound
from scheduling.upkeep import lost_attempts

log = logging.getLogger(__name__)

T = TypeVar("T")

# A database that restarts is back within this. Later, the next wake-up finds what was due.
PAUSES: Final = (0.5, 1.0, 2.5, 5.0, 5.0, 6.0)


def fire(schedule_id: int, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Run what is due of the schedule.

    Nothing happens for one that is gone: its line is left over until the next sync.

    Raises OperationalError or InterfaceError where the database stays away for about 20 seconds.
    """
    try:
        tasks = _with_patience(lambda: dispatch.fire(schedule_id, now=timezone.now(), woken_by="crontab"), sleep)
    except NotFound as exc:
        log.info("%s", exc.detail)
        return
    # A line that is left over from before the schedule went to another machine: its tasks must run there.
    ours = [task for task in tasks if task.host in {"", settings.TANDEM_HOST}]
    _with_patience(lambda: delivery.submit(ours, now=timezone.now()), sleep)


def fire_left_behind(*, sleep: Callable[[float], None] = time.sleep) -> None:
    """Run the tasks of this machine that were not claimed in time, and give up those whose process has ended.

    Raises as `fire` does.
    """
    while tasks := _with_patience(
        lambda: delivery.take_unclaimed(now=timezone.now(), host=settings.TANDEM_HOST), sleep
    ):
        _with_patience(lambda tasks=tasks: delivery.submit(tasks, now=timezone.now()), sleep)  # type: ignore[misc]  # mypy cannot infer a default
    _with_patience(lambda: lost_attempts.lose_gone(now=timezone.now()), sleep)


def _with_patience(work: Callable[[], T], sleep: Callable[[float], None]) -> T:
    """All parts may be repeated: the claim admits one. Cron mails what is worse than INFO."""
    return wait_through(work, pauses=PAUSES, level=logging.INFO, sleep=sleep)
