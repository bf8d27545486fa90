"""LedgerScheduler: how `celery beat` asks the ledger what is due."""

from __future__ import annotations

import atexit
import logging
from datetime import datetime
from typing import Any, Final

from celery.beat import SchedulingError
from celery.signals import beat_init
from django.conf import settings
from django.db import close_old_connections
from django.db.models import Min, QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler
from kombu.exceptions import OperationalError

from backends.beat.backend import BeatBackend
from backends.beat.backoff import BackoffRunner
from backends.beat.entries import WAKE_TASK
from scheduling import delivery, dispatch, processes
from scheduling.models import Schedule, Task
from scheduling.upkeep import retention
from scheduling.upkeep.sweep import sweep

log = logging.getLogger(__name__)

# Seconds until it looks again though nothing is due: a schedule made meanwhile is met in time.
LONGEST_WAIT: Final = 1.0
# Seconds between two sweeps: what a crash left behind waits no longer.
UPKEEP_EVERY: Final = 2.0
# Seconds between two rounds of retention: often enough that each has little to delete.
PRUNE_EVERY: Final = 60.0
# A tick dispatches at most this many batches; then the other PeriodicTasks get their turn.
BATCHES_A_TICK: Final = 20


class LedgerScheduler(DatabaseScheduler):  # type: ignore[misc]  # django-celery-beat has no types
    """Runs the PeriodicTasks that are not ours as its parent does, and dispatches our schedules when the ledger says
    that they are due.

    Its cost depends on how many schedules are due, not on how many exist. Any number of beats may run side by side. No
    exception leaves `tick`, because that would end celery.beat. If the database or the broker is away, that is logged
    and tried again after a pause. A PeriodicTask that the broker did not take is sent when the broker is back.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._runner = BackoffRunner()
        self._ticking = False
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Read the other PeriodicTasks. If the database is away, `tick` reads them later."""
        self._runner.run("start", self._setup)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Run the other PeriodicTasks, upkeep and our schedules once. Returns the seconds until the next tick."""
        self._ticking = True
        try:
            waits = [
                self._runner.run("other periodic tasks", lambda: self._other_tasks(*args, **kwargs)),
                self._runner.run("upkeep", self._upkeep, every=UPKEEP_EVERY),
                self._runner.run("retention", _prune, every=PRUNE_EVERY),
                # Last, because its wait is exact: the time of a step after it would make the next occurrence late.
                self._runner.run("dispatch", self._dispatch),
            ]
        finally:
            self._ticking = False
        return max(0.0, min(LONGEST_WAIT, *waits))

    def close(self) -> None:
        """Store the runs that are not stored yet, and release the broker. Does nothing during a tick.

        celery.beat's signal handler calls this at any point of this thread. During a tick that may be inside a query,
        which holds the lock of its connection: the thread would wait for itself. Beat calls `close` again after the
        tick.
        """
        if not self._ticking:
            super().close()

    def enabled_models_qs(self) -> QuerySet[PeriodicTask]:
        """The enabled rows that are not ours: the ledger says when our schedules are due."""
        rows: QuerySet[PeriodicTask] = super().enabled_models_qs().exclude(task=WAKE_TASK)
        return rows

    def all_as_schedule(self) -> Any:
        """Read the other PeriodicTasks.

        The parent has marked them as read before it calls this. After an error they are marked as not read, so that the
        next tick reads them again.
        """
        self._initial_read = True
        found = super().all_as_schedule()
        self._initial_read = False
        return found

    def reserve(self, entry: Any) -> Any:
        """Note an entry as run. If the broker is away, note nothing and raise kombu's OperationalError or OSError."""
        _ = self.producer  # connects to the broker, or raises
        self._run_before = (entry.model.last_run_at, entry.model.total_run_count)
        # The parent keeps the old entry here. If the heap is built again, that entry would be due a second time.
        self._schedule[entry.name] = super().reserve(entry)
        return self._schedule[entry.name]

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send an entry. If the broker is away, note the entry as not run and raise: a later tick sends it.

        Any other error is a fault of the entry: it is logged, and the entry counts as run, as in the parent.
        """
        log.info("sending %s (%s)", entry.name, entry.task)
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as exc:
            if isinstance(exc.__context__, OperationalError | OSError):
                self._note_as_not_run(entry)
                raise
            log.exception("PeriodicTask %s cannot be sent", entry.name)

    @cached_property
    def connection(self) -> Any:
        """A connection to the broker. Each step has a time limit: a broker that hangs must not stop the dispatch."""
        return self.app.connection_for_write(
            connect_timeout=settings.TANDEM_PUBLISH_SECONDS, transport_options=settings.TANDEM_PUBLISH_OPTIONS
        )

    def _note_as_not_run(self, entry: Any) -> None:
        entry.model.last_run_at, entry.model.total_run_count = self._run_before
        self._schedule[entry.name] = entry

    def _ensure_connected(self) -> Any:
        # The parent waits for the broker without end (our broker_connection_max_retries is None). That would also stop
        # the dispatch of schedules that need no broker.
        return self.connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)

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
            now = timezone.now()
            if not dispatch.dispatch_due(BeatBackend.name, now=now) + delivery.queue_due(now=now):
                return _seconds_to_next(timezone.now())
        return 0.0

    def _upkeep(self) -> float:
        close_old_connections()
        sweep(now=timezone.now())
        return UPKEEP_EVERY

    def _other_tasks(self, *args: Any, **kwargs: Any) -> float:
        try:
            return float(super().tick(*args, **kwargs))
        except Exception:
            # The parent removes an entry from its heap before it sends it. Without a heap it builds a new one.
            self._heap = None
            raise


def _prune() -> float:
    close_old_connections()
    retention.prune(now=timezone.now())
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
