"""LedgerScheduler: how `celery beat` asks the ledger what is due."""

from __future__ import annotations

import atexit
import signal
import time
from datetime import datetime
from types import FrameType
from typing import Any, Final

from celery.signals import beat_init

from backends.beat import next_due, side_threads
from backends.beat.backend import BeatBackend
from backends.beat.backoff import BackoffRunner
from backends.beat.foreign_scheduler import ForeignScheduler
from backends.beat.turns import Turns
from scheduling import clock, delivery, dispatch, processes

# Seconds until it looks again though nothing is due: a schedule made meanwhile is met in time.
LONGEST_WAIT: Final = 1.0
# After this many seconds it is the turn of the other PeriodicTasks, and then of our schedules again. A batch or message
# that has begun is finished first.
TURN: Final = 0.2
# Seconds until it looks again where another beat has locked all that is due: about what a batch takes.
TAKEN_ELSEWHERE: Final = 0.05


class LedgerScheduler(ForeignScheduler):
    """Runs the PeriodicTasks that are not ours, and dispatches our schedules when the ledger says that they are due.

    Its cost depends on how many schedules are due, not on how many exist: one statement where none is. Any number of
    beats may run side by side. No exception leaves `tick`, because that would end celery.beat. If the database or the
    broker is away, that is logged and tried again after a pause. A PeriodicTask that the broker did not take is sent
    when the broker is back. `moment` tells monotonic seconds.
    """

    moment = staticmethod(time.monotonic)
    _last_timestamp: datetime | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._runner = BackoffRunner()
        self._busy = True
        self._end_asked = False
        self._turns = Turns()
        self._changed: datetime | None = None
        self._answer_signals()
        super().__init__(*args, **kwargs)
        self._busy = False

    def setup_schedule(self) -> None:
        """Read the other PeriodicTasks. If the database is away, `tick` reads them later."""
        self._runner.run("start", self._setup)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Run our schedules, then the other PeriodicTasks. Returns the seconds until the next tick.

        Takes two times TURN, and a batch and a message more, however much is due. Raises SystemExit when beat was told
        to end, meanwhile or while it started.
        """
        if self._end_asked:
            raise SystemExit
        self._busy = True
        try:
            due_at = self._runner.run("dispatch", self._dispatch) + self.moment()
            others = self._runner.run("other periodic tasks", lambda: self._run_others(*args, **kwargs))
        finally:
            self._busy = False
        if self._end_asked:
            raise SystemExit
        processes.came_round()
        return max(0.0, min(LONGEST_WAIT, others, due_at - self.moment()))

    def schedule_changed(self) -> bool:
        """Whether the other PeriodicTasks have changed since the last call, by what this tick has read."""
        before, self._last_timestamp = self._last_timestamp, self._changed
        return bool(self._changed and before and self._changed > before)

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
        self._changed = self.Changes.last_change()
        if self._changed is None:
            self.Changes.update_changed()
            self._changed = self.Changes.last_change()
        self.schedule_changed()
        super().setup_schedule()
        return LONGEST_WAIT

    def _dispatch(self) -> float:
        """Dispatch what is due. Returns the seconds until the next look."""
        found = next_due.look()
        self._changed = found.changed
        now = clock.tell(found.now)
        due_times = [due for due in (found.schedule_due, found.task_due) if due is not None]
        wait = min(((due - now).total_seconds() for due in due_times), default=LONGEST_WAIT)
        if wait > 0:
            return wait
        over = self.moment() + TURN
        any_taken, any_left = self._dispatch_batch(found, now)
        while any_left and self.moment() < over and not self._end_asked:
            taken, any_left = self._dispatch_batch(found, clock.now())
            any_taken = any_taken or taken
        return 0.0 if any_taken or any_left else TAKEN_ELSEWHERE

    def _dispatch_batch(self, found: next_due.NextDue, now: datetime) -> tuple[bool, bool]:
        """Dispatch one batch of each kind that is due. Returns whether there was any, and whether there may be more."""
        taken, any_left = 0, False
        if found.schedule_due is not None and found.schedule_due <= now:
            turns = self._turns
            due = dispatch.dispatch_due(BeatBackend.name, now=now, after=turns.after, most=turns.most)
            taken, any_left = len(due), turns.note(due, now)
        if found.task_due is not None and found.task_due <= now:
            tasks = delivery.queue_due(now=now)
            taken, any_left = taken + tasks, any_left or tasks >= delivery.BATCH
        return taken > 0, any_left

    def _run_others(self, *args: Any, **kwargs: Any) -> float:
        """Send the other PeriodicTasks that are due. Returns the seconds until the next one is due."""
        over = self.moment() + TURN
        while True:
            wait = super().tick(*args, **kwargs)
            if wait > 0 or self.moment() >= over or self._end_asked:
                return wait


@beat_init.connect
def _begin(**_: Any) -> None:
    processes.start("beat")
    atexit.register(processes.stop)
    # The last that is registered is the first that ends.
    atexit.register(side_threads.stop, side_threads.start())
