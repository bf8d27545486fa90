"""LedgerScheduler: how `celery beat` asks the ledger what is due."""

from __future__ import annotations

import atexit
import signal
from datetime import datetime
from types import FrameType
from typing import Any, Final

from celery.signals import beat_init
from django.db import close_old_connections
from django.db.models import Min

from backends.beat.backend import BeatBackend
from backends.beat.backoff import BackoffRunner
from backends.beat.foreign_scheduler import ForeignScheduler
from scheduling import clock, delivery, dispatch, processes
from scheduling.models import Schedule, Task
from scheduling.upkeep import retention
from scheduling.upkeep.sweep import sweep

# Seconds until it looks again though nothing is due: a schedule made meanwhile is met in time.
LONGEST_WAIT: Final = 1.0
# Seconds between two sweeps: what a crash left behind waits no longer.
UPKEEP_EVERY: Final = 2.0
# Seconds between two rounds of retention: often enough that each has little to delete.
PRUNE_EVERY: Final = 60.0
# A tick dispatches at most this many batches; then the other PeriodicTasks get their turn.
BATCHES_A_TICK: Final = 20


class LedgerScheduler(ForeignScheduler):
    """Runs the PeriodicTasks that are not ours, and dispatches our schedules when the ledger says that they are due.

    Its cost depends on how many schedules are due, not on how many exist. Any number of beats may run side by side. No
    exception leaves `tick`, because that would end celery.beat. If the database or the broker is away, that is logged
    and tried again after a pause. A PeriodicTask that the broker did not take is sent when the broker is back.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._runner = BackoffRunner()
        self._busy = True
        self._end_asked = False
        self._answer_signals()
        super().__init__(*args, **kwargs)
        self._busy = False

    def setup_schedule(self) -> None:
        """Read the other PeriodicTasks. If the database is away, `tick` reads them later."""
        self._runner.run("start", self._setup)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Run the other PeriodicTasks, upkeep and our schedules once. Returns the seconds until the next tick.

        Raises SystemExit when beat was told to end, meanwhile or while it started.
        """
        if self._end_asked:
            raise SystemExit
        self._busy = True
        try:
            waits = [
                self._runner.run("other periodic tasks", lambda: super(LedgerScheduler, self).tick(*args, **kwargs)),
                self._runner.run("upkeep", self._upkeep, every=UPKEEP_EVERY),
                self._runner.run("retention", _prune, every=PRUNE_EVERY),
                # Last, because its wait is exact: the time of a step after it would make the next occurrence late.
                self._runner.run("dispatch", self._dispatch),
            ]
        finally:
            self._busy = False
        if self._end_asked:
            raise SystemExit
        return max(0.0, min(LONGEST_WAIT, *waits))

    def close(self) -> None:
        """Store the runs that are not stored yet, and release the broker. During a tick, only note that beat is to end:
        it calls `close` again after the tick.
        """
        if self._busy:
            self._end_asked = True
        else:
            super().close()

    def _answer_signals(self) -> None:
        """Take over SIGTERM and SIGINT from celery.beat, if this is a beat.

        Its own handler closes the scheduler wherever this thread happens to be. That may be inside a query, which holds
        the lock of its connection: the thread would wait for itself. Or it makes a second scheduler, because this one
        is not ready yet. And what it raises inside a query may be lost in the error of that query.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            if getattr(signal.getsignal(number), "__module__", "") == "celery.apps.beat":
                signal.signal(number, self._end)

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._end_asked = True
        if not self._busy:
            raise SystemExit

    def _setup(self) -> float:
        # The parent takes the first time of change that it sees as the time of what it has read. That time is noted
        # before the parent reads, so that a change during the reading has a later time and is read, too.
        if self.Changes.last_change() is None:
            self.Changes.update_changed()
        self.schedule_changed()
        super().setup_schedule()
        return LONGEST_WAIT

    def _dispatch(self) -> float:
        close_old_connections()
        for _ in range(BATCHES_A_TICK):
            now = clock.now()
            if not dispatch.dispatch_due(BeatBackend.name, now=now) + delivery.queue_due(now=now):
                return _seconds_to_next(clock.now())
        return 0.0

    def _upkeep(self) -> float:
        close_old_connections()
        sweep(now=clock.now())
        return UPKEEP_EVERY


def _prune() -> float:
    close_old_connections()
    retention.prune(now=clock.now())
    return PRUNE_EVERY


def _seconds_to_next(now: datetime) -> float:
    """The seconds until the next occurrence or waiting task is due, so that beat wakes up exactly then."""
    due_times = (
        Schedule.objects.filter(dispatch.may_dispatch(BeatBackend.name)).aggregate(first=Min("next_due_at"))["first"],
        Task.objects.filter(wait_until__isnull=False).aggregate(first=Min("wait_until"))["first"],
    )
    return min(((due - now).total_seconds() for due in due_times if due is not None), default=LONGEST_WAIT)


@beat_init.connect
def _begin(**_: Any) -> None:
    processes.start("beat")
    atexit.register(processes.stop)
