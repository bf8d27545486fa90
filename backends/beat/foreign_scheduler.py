"""ForeignScheduler: how any number of beats share the PeriodicTasks that are not ours."""

from __future__ import annotations

import logging
from heapq import heappush
from typing import Any, Final

from celery.beat import SchedulingError, event_t
from celery.exceptions import ImproperlyConfigured
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler
from kombu.exceptions import OperationalError

from backends.beat.entries import WAKE_TASK
from backends.beat.foreign_entries import ForeignEntry

log = logging.getLogger(__name__)

# celery.beat gives every event this priority.
_PRIORITY: Final = 5


class _TakenElsewhere(Exception):
    """The row of an entry is no longer as this beat has read it."""

    def __init__(self, entry: ForeignEntry) -> None:
        super().__init__(entry.name)
        self.entry = entry


class ForeignScheduler(DatabaseScheduler):  # type: ignore[misc]  # django-celery-beat has no types
    """Runs the PeriodicTasks that are not ours as its parent does, but each run is sent by one beat only.

    A run is noted in the row before it is sent, so it is sent at most once: what these tasks do may not be safe to
    repeat. A beat that dies between the two loses that one run. A run that the broker does not take is taken back in
    the row, and sent when the broker is back; if only the broker's answer was lost, it is sent twice.
    """

    Entry = ForeignEntry
    _heap: Any = None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send the entry that is due first, if any. Returns the seconds until the next one is due."""
        try:
            return self._tick(*args, **kwargs)
        except Exception:
            # The parent removes an entry from its heap before it sends it. Without a heap it builds a new one.
            self._heap = None
            raise

    def enabled_models_qs(self) -> QuerySet[PeriodicTask]:
        """The enabled rows that are not ours: the ledger says when our schedules are due.

        The parent leaves out rows that are not due soon. Its query for that grows with the number of different
        CrontabSchedules, ours included: with thousands no database answers it in time. A row too many costs nothing.
        """
        rows: QuerySet[PeriodicTask] = self.Model.objects.enabled().exclude(task=WAKE_TASK)
        return rows.select_related("crontab", "interval", "solar", "clocked")

    def all_as_schedule(self) -> dict[str, ForeignEntry]:
        """Read the rows. A row that cannot be read (a solar one needs the package ephem) is logged and left out.

        The parent has marked them as read before it calls this. After an error they are marked as not read, so that the
        next tick reads them again.
        """
        self._initial_read = True
        found = {}
        for model in self.enabled_models():
            try:
                found[model.name] = self.Entry(model, app=self.app)
            except (ImproperlyConfigured, ValueError):
                log.exception("PeriodicTask %s cannot be read", model.name)
        self._initial_read = False
        return found

    def reserve(self, entry: ForeignEntry) -> ForeignEntry:
        """Note a run in the entry's row; the caller then sends it. Raises _TakenElsewhere when another beat sends it.

        If the broker is away, note nothing and raise kombu's OperationalError or OSError.
        """
        _ = self.producer  # connects to the broker, or raises
        after = entry.claim(timezone.now())
        if after is None:
            raise _TakenElsewhere(entry)
        # The parent keeps the old entry here. If the heap is built again, that entry would be due a second time.
        self._schedule[entry.name] = after
        return after

    def apply_entry(self, entry: ForeignEntry, producer: Any = None) -> None:
        """Send an entry that is noted as run. If the broker is away, take the note back and raise: a later tick sends.

        Any other error is a fault of the entry: it is logged, and the entry counts as run, as in the parent.
        """
        log.info("sending %s (%s)", entry.name, entry.task)
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as exc:
            if isinstance(exc.__context__, OperationalError | OSError):
                entry.take_back(self._schedule[entry.name])
                self._schedule[entry.name] = entry
                raise
            log.exception("PeriodicTask %s cannot be sent", entry.name)

    @cached_property
    def connection(self) -> Any:
        """A connection to the broker. Each step has a time limit: a broker that hangs must not stop the dispatch."""
        return self.app.connection_for_write(
            connect_timeout=settings.TANDEM_PUBLISH_SECONDS, transport_options=settings.TANDEM_PUBLISH_OPTIONS
        )

    def _tick(self, *args: Any, **kwargs: Any) -> float:
        try:
            return float(super().tick(*args, **kwargs))
        except _TakenElsewhere as taken:
            self._read_again(taken.entry)
            return 0.0

    def _read_again(self, entry: ForeignEntry) -> None:
        """Replace an entry by its row as it is now. The next tick looks whether it is due."""
        log.debug("%s was sent by another beat, or was changed", entry.name)
        model = self.Model.objects.filter(pk=entry.model.pk).first()
        if model is None:
            del self._schedule[entry.name]
            return
        fresh = self._schedule[entry.name] = self.Entry(model, app=self.app)
        heappush(self._heap, event_t(self._when(fresh, 0), _PRIORITY, fresh))

    def _ensure_connected(self) -> Any:
        # The parent waits for the broker without end (our broker_connection_max_retries is None). That would also stop
        # the dispatch of schedules that need no broker.
        return self.connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)
