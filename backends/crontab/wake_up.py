"""What does a wake-up do? It asks the ledger what is due, and runs that and what was left behind on this machine."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.conf import settings

from backends.crontab.spool import telling
from scheduling import clock, delivery, dispatch
from scheduling.database_away import wait_through
from scheduling.errors import NotFound
from scheduling.upkeep import lost_attempts

log = logging.getLogger(__name__)

T = TypeVar("T")

# The seconds between the tries while the database is away: 20 in all, enough for a restart of the database. If it stays
# away longer, the next wake-up finds what was due.
PAUSES: Final = (0.5, 1.0, 2.5, 5.0, 5.0, 6.0)


def fire(schedule_id: int, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Tell what was done on this machine without the database, then run the due occurrences of the schedule.

    For a schedule that does not exist any more, do nothing: the next sync removes its line. Raises OperationalError or
    InterfaceError if the database is away for about 20 seconds.
    """
    _with_patience(lambda: telling.tell(now=clock.now()), sleep)
    try:
        tasks = _with_patience(lambda: dispatch.fire(schedule_id, now=clock.now(), woken_by="crontab"), sleep)
    except NotFound as exc:
        log.info("%s", exc.detail)
        return
    # If the schedule has moved to another machine, the line here is left over: its tasks must run on the other machine.
    ours = [task for task in tasks if task.host in {"", settings.TANDEM_HOST}]
    _with_patience(lambda: delivery.submit(ours, now=clock.now()), sleep)


def fire_left_behind(*, sleep: Callable[[float], None] = time.sleep) -> None:
    """Run the tasks of this machine that were not claimed in time, and give up attempts whose process has ended.

    Raises the same errors as `fire`.
    """
    while tasks := _with_patience(lambda: delivery.take_unclaimed(now=clock.now(), host=settings.TANDEM_HOST), sleep):
        _with_patience(lambda tasks=tasks: delivery.submit(tasks, now=clock.now()), sleep)  # type: ignore[misc]  # mypy cannot infer a default
    _with_patience(lambda: lost_attempts.lose_gone(now=clock.now()), sleep)


def _with_patience(work: Callable[[], T], sleep: Callable[[float], None]) -> T:
    """Return what `work` returns. If the database is away, try again after each of PAUSES.

    `work` may be repeated: an attempt can be claimed only once. cron mails what is logged above INFO.
    """
    return wait_through(work, pauses=PAUSES, level=logging.INFO, sleep=sleep)
