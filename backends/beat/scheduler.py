"""LedgerScheduler: `celery beat` that asks the ledger what is due."""

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
# One tick's worth of batches; then the other PeriodicTasks get their turn.
BATCHES_A_TICK: Final = 20


class LedgerScheduler(DatabaseScheduler):  # type: ignore[misc]  # django-celery-beat has no types
    """Runs every other PeriodicTask as its parent does, and dispatches what the ledger says is due of our schedules.

    Its cost follows what is due, not how many schedules exist, and any number of them may run side by side. No
    exception leaves `tick`: celery.beat would end. A database or broker that is away is logged, backed off and picked
    up again; a PeriodicTask that the broker did not take is sent once it is back.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._runner = BackoffRunner()
        self._ticking = False
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Read the other PeriodicTasks; a database that is away at the start is asked again by `tick`."""
        self._runner.run("start", self._setup)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One round: the others, upkeep, ours. Returns the seconds until there is something to do again."""
        self._ticking = True
        try:
            waits = [
                self._runner.run("other periodic tasks", lambda: self._others(*args, **kwargs)),
                self._runner.run("upkeep", self._upkeep, every=UPKEEP_EVERY),
                self._runner.run("retention", _prune, every=PRUNE_EVERY),
                # Last, for its wait is exact: what came after it would be missing from the next one's punctuality.
                self._runner.run("dispatch", self._dispatch),
            ]
        finally:
            self._ticking = False
        return max(0.0, min(LONGEST_WAIT, *waits))

    def close(self) -> None:
        """Write what is to be written and release the broker.

        celery.beat's signal handler calls this wherever we are. In the middle of a tick that may be within a query,
        whose connection this very thread has locked: it would wait for itself. Beat calls again after the tick.
        """
        if not self._ticking:
            super().close()

    def enabled_models_qs(self) -> QuerySet[PeriodicTask]:
        """The rows that are not ours: our schedules are dispatched from the ledger."""
        rows: QuerySet[PeriodicTask] = super().enabled_models_qs().exclude(task=WAKE_TASK)
        return rows

    def all_as_schedule(self) -> Any:
        """Read the other PeriodicTasks. The parent takes them for read whatever happens here: after trouble, anew."""
        self._initial_read = True
        found = super().all_as_schedule()
        self._initial_read = False
        return found

    def reserve(self, entry: Any) -> Any:
        """Note an entry as run, once there is a broker to send to."""
        _ = self.producer
        self._before = (entry.model.last_run_at, entry.model.total_run_count)
        # The parent leaves the old one there, which a heap made anew would find due once more.
        self._schedule[entry.name] = super().reserve(entry)
        return self._schedule[entry.name]

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send an entry. Where the broker is away it is noted as not run, and the error goes on: its turn is not over.

        Any other error is the entry's own: it is logged and its turn is over, as the parent has it.
        """
        log.info("sending %s (%s)", entry.name, entry.task)
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as exc:
            if isinstance(exc.__context__, OperationalError | OSError):
                self._take_back(entry)
                raise
            log.exception("PeriodicTask %s cannot be sent", entry.name)

    @cached_property
    def connection(self) -> Any:
        """A connection to the broker whose every step is bounded: one that hangs must not hold up the dispatch."""
        return self.app.connection_for_write(
            connect_timeout=settings.TANDEM_PUBLISH_SECONDS, transport_options=settings.TANDEM_PUBLISH_OPTIONS
        )

    def _take_back(self, entry: Any) -> None:
        entry.model.last_run_at, entry.model.total_run_count = self._before
        self._schedule[entry.name] = entry

    def _ensure_connected(self) -> Any:
        # The parent waits for the broker as long as broker_connection_max_retries says: for ever. Waiting here would
        # stop the dispatch of schedules that need no broker at all.
        return self.connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)

    def _setup(self) -> float:
        # The parent takes the first stamp of a change that it sees for the stamp of what it has read: noted before it
        # reads, a change made meanwhile is a later one.
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

    def _others(self, *args: Any, **kwargs: Any) -> float:
        try:
            return float(super().tick(*args, **kwargs))
        except Exception:
            # The parent took the entry off its heap before it failed: the heap is made anew.
            self._heap = None
            raise


def _prune() -> float:
    close_old_connections()
    retention.prune(now=timezone.now())
    return PRUNE_EVERY


def _seconds_to_next(now: datetime) -> float:
    """How long until the next occurrence or task, so that it is met on the second and not on the next poll."""
    moments = (
        Schedule.objects.filter(routed_to=BeatBackend.name).aggregate(first=Min("next_due_at"))["first"],
        Task.objects.filter(wait_until__isnull=False).aggregate(first=Min("wait_until"))["first"],
    )
    return min(((moment - now).total_seconds() for moment in moments if moment is not None), default=LONGEST_WAIT)


@beat_init.connect
def _begin(**_: Any) -> None:
    processes.start("beat")
    atexit.register(processes.stop)
