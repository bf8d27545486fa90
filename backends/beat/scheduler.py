"""LedgerScheduler: `celery beat` that asks the ledger what is due."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.db.models import Min, QuerySet
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from backends.beat.backend import BeatBackend
from backends.beat.entries import WAKE_TASK
from scheduling import dispatch
from scheduling.models import Schedule

log = logging.getLogger(__name__)

LONGEST_WAIT: Final = 1.0
LONGEST_BACKOFF: Final = 5.0
UPKEEP_EVERY: Final = 2.0
# One tick's worth of batches; then the other PeriodicTasks get their turn.
BATCHES_A_TICK: Final = 20


class LedgerScheduler(DatabaseScheduler):  # type: ignore[misc]  # django-celery-beat has no type hints
    """Runs every other PeriodicTask as its parent does, and dispatches what the ledger says is due of our schedules.

    Its cost follows what is due, not how many schedules exist, and any number of them may run side by side. No
    exception
    leaves `tick`: celery.beat would end. A database or broker that is away is logged, backed off and picked up again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._troubles: dict[str, int] = {}
        self._resume_at: dict[str, float] = {}
        self._next_upkeep = 0.0
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One round: ours, upkeep, the others. Returns the seconds until there is something to do again."""
        waits = [
            self._guarded("dispatch", self._dispatch),
            self._guarded("upkeep", self._upkeep),
            self._guarded("other periodic tasks", lambda: self._others(*args, **kwargs)),
        ]
        return max(0.0, min(LONGEST_WAIT, *waits))

    def setup_schedule(self) -> None:
        """Read the other PeriodicTasks; a database that is away at the start is tried again by `tick`."""
        self._guarded("start", self._setup)

    def enabled_models_qs(self) -> QuerySet[PeriodicTask]:
        """The rows that are not ours: our schedules are dispatched from the ledger."""
        rows: QuerySet[PeriodicTask] = super().enabled_models_qs()
        return rows.exclude(task=WAKE_TASK)

    def reserve(self, entry: Any) -> Any:
        """Note an entry as run only once the broker is there to take it: else its turn would be lost."""
        _ = self.producer
        return super().reserve(entry)

    def _ensure_connected(self) -> Any:
        # The parent waits for the broker as long as broker_connection_max_retries says: for ever. Waiting here would
        # stop
        # the dispatch of schedules that need no broker at all.
        return self.connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)

    def _setup(self) -> float:
        super().setup_schedule()
        return LONGEST_WAIT

    def _dispatch(self) -> float:
        close_old_connections()
        for _ in range(BATCHES_A_TICK):
            if not dispatch.dispatch_due(BeatBackend.name, now=timezone.now()):
                return _seconds_to_next(timezone.now())
        return 0.0

    def _upkeep(self) -> float:
        if time.monotonic() >= self._next_upkeep:
            dispatch.upkeep(now=timezone.now())
            self._next_upkeep = time.monotonic() + UPKEEP_EVERY
        return UPKEEP_EVERY

    def _others(self, *args: Any, **kwargs: Any) -> float:
        try:
            return float(super().tick(*args, **kwargs))
        except Exception:
            # The parent took the entry off its heap before it failed: the heap is made anew.
            self._heap = None
            raise

    def _guarded(self, what: str, step: Callable[[], float]) -> float:
        """Run one step; after trouble it waits twice as long each time, up to LONGEST_BACKOFF, while the others go
        on.
        """
        wait = self._resume_at.get(what, 0.0) - time.monotonic()
        if wait > 0:
            return wait
        try:
            wait = step()
        except Exception as exc:  # celery.beat ends on any exception: each one is logged and backed off
            self._troubles[what] = self._troubles.get(what, 0) + 1
            wait = min(LONGEST_BACKOFF, 0.5 * 2 ** self._troubles[what])
            self._resume_at[what] = time.monotonic() + wait
            away = isinstance(exc, DatabaseError | InterfaceError | OSError)
            log.log(logging.ERROR, "%s: %s; again in %.0f s", what, exc, wait, exc_info=None if away else exc)
            if isinstance(exc, DatabaseError | InterfaceError):
                connection.close()
        else:
            self._troubles.pop(what, None)
        return wait


def _seconds_to_next(now: datetime) -> float:
    """How long until the next occurrence, so that it is met on the second and not on the next poll."""
    coming = Schedule.objects.filter(routed_to=BeatBackend.name, next_due_at__isnull=False)
    next_due_at = coming.aggregate(first=Min("next_due_at"))["first"]
    return LONGEST_WAIT if next_due_at is None else (next_due_at - now).total_seconds()
