"""The backend `beat`: its entries are rows of django-celery-beat, which Django's admin shows."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from backends.beat import periodic_tasks
from backends.beat.entries import rows, text
from scheduling import processes
from scheduling.backend import Capabilities, Outcome, SchedulerBackend
from scheduling.difference import Difference, DifferenceKind
from scheduling.entry import Entry
from scheduling.errors import BackendError, InvalidTrigger, Problem
from scheduling.findings import Finding
from scheduling.models import Schedule

log = logging.getLogger(__name__)

# A Beat that runs meets an occurrence within a second: this one does not run, or not well.
OVERDUE = timedelta(minutes=1)
# So many schedules get their rows in one transaction of a sync.
BATCH: Final = 500


class BeatBackend(SchedulerBackend):
    """Writes PeriodicTask rows. The stock DatabaseScheduler needs nothing more; LedgerScheduler does not read them.

    A row that is deleted takes its CrontabSchedule or IntervalSchedule with it, if no other row uses that.
    """

    name = "beat"
    capabilities = Capabilities(seconds=True, executors=("worker",), per_host=False)

    def check(self, schedule: Schedule) -> list[Problem]:
        """Always empty: Beat's clock has seconds, and a worker on any machine can run the tasks."""
        return []

    def entries(self, schedule: Schedule) -> list[Entry]:
        """One row; two rows if the expression joins its day fields with "or"."""
        return [Entry(text(row, schedule.pk), (schedule.pk,)) for row in rows(schedule, now=timezone.now())]

    def install(self, schedule: Schedule) -> Outcome:
        """Write the rows of the schedule as the database has it now, unless they are there already."""
        with _reported("written"):
            self._rewrite([schedule.pk])
        return Outcome.DONE

    def remove(self, schedule: Schedule) -> Outcome:
        """Delete the schedule's rows."""
        with _reported("deleted"), transaction.atomic():
            periodic_tasks.replace(list(periodic_tasks.of([schedule.pk])), [], now=timezone.now())
        return Outcome.DONE

    def sync(self) -> None:
        """Rewrite the rows that differ from their schedule, and delete the rows of schedules that are not on Beat."""
        with _reported("brought up to date"):
            present = _by_schedule(periodic_tasks.ours())
            active = {schedule.pk: schedule for schedule in _active(Schedule.objects.all())}
            unnamed = present.pop(periodic_tasks.NO_SCHEDULE, [])
            if unnamed:
                with transaction.atomic():
                    periodic_tasks.replace(unnamed, [], now=timezone.now())
            gone = present.keys() - active.keys()
            differing = [pk for pk, schedule in active.items() if not self._same(schedule, present.get(pk, []))]
            # Not all in one transaction: one for thousands of schedules would block the database too long.
            for batch in _batches([*sorted(gone), *differing]):
                self._rewrite(batch)

    def desired(self) -> list[Entry]:
        """The rows of every active schedule that is on Beat."""
        return [entry for schedule in _active(Schedule.objects.all()) for entry in self.entries(schedule)]

    def inspect(self) -> list[Entry]:
        """Our rows as they are now, with what somebody changed in the admin."""
        with _reported("read"):
            return [periodic_tasks.entry(task) for task in periodic_tasks.ours()]

    def differences(self) -> list[Difference]:
        """The rows of active schedules that somebody disabled in the admin."""
        found = []
        with _reported("read"):
            disabled = _by_schedule(periodic_tasks.ours().filter(enabled=False))
            on_beat = Schedule.objects.filter(pk__in=disabled, routed_to=self.name, next_due_at__isnull=False)
            for schedule_id in on_beat.order_by("pk").values_list("pk", flat=True) if disabled else ():
                for task in disabled[schedule_id]:
                    entry = periodic_tasks.entry(task)
                    task.enabled = True
                    enabled = periodic_tasks.entry(task).text
                    found.append(Difference(DifferenceKind.DISABLED, entry.text, (schedule_id,), instead_of=enabled))
        return found

    def health(self) -> Finding:
        """Whether no schedule is overdue, and a LedgerScheduler has sent a heartbeat in the last 30 seconds and ticks.

        Where the settings name another scheduler, which sends no heartbeat, only the first counts.
        """
        now = timezone.now()
        try:
            overdue = Schedule.objects.filter(routed_to=self.name, next_due_at__lt=now - OVERDUE).count()
            beats = list(processes.known().filter(kind="beat").order_by("silence"))
        except (DatabaseError, InterfaceError) as exc:
            return Finding("beat", ok=False, detail=f"the database is away: {exc}")
        if overdue:
            return Finding(
                "beat",
                ok=False,
                detail=f"{overdue} schedules are more than a minute overdue: is celery beat running?",
            )
        heard = next((beat for beat in beats if not processes.hangs(beat)), beats[0] if beats else None)
        if heard is not None and heard.silence <= processes.SILENT_AFTER:
            if processes.hangs(heard):
                return Finding("beat", ok=False, detail=f"beat on {heard.host} hangs: start it again")
            return Finding("beat", ok=True, detail=f"beat runs on {heard.host}, and nothing is overdue")
        if settings.CELERY["beat_scheduler"] != periodic_tasks.LEDGER_SCHEDULER:
            return Finding("beat", ok=True, detail="nothing is overdue; this scheduler sends no heartbeat")
        since = f" since {heard.seen_at:%Y-%m-%d %H:%M:%S} UTC" if heard else ""
        return Finding("beat", ok=False, detail=f"no beat has been heard of{since}: start celery beat")

    def _rewrite(self, schedule_ids: Sequence[int]) -> None:
        """Make the rows of these schedules right, in one transaction.

        The locks make processes write one after the other. Each writes what it reads under the lock: with a schedule
        that it read earlier, the last process could restore an old version.
        """
        with transaction.atomic():
            locked = Schedule.objects.select_for_update().filter(pk__in=schedule_ids).order_by("pk")
            active = {schedule.pk: schedule for schedule in _active(locked)}
            present = _by_schedule(periodic_tasks.of(schedule_ids))
            wrong = [
                pk for pk in schedule_ids if pk not in active or not self._is_there(active[pk], present.get(pk, []))
            ]
            periodic_tasks.replace(
                [task for pk in wrong for task in present.get(pk, [])],
                [active[pk] for pk in wrong if pk in active],
                now=timezone.now(),
            )

    def _is_there(self, schedule: Schedule, present: list[PeriodicTask]) -> bool:
        # An entry does not hold the schedule's name. A new name is no drift, but the admin shows it as description.
        return self._same(schedule, present) and all(task.description == schedule.name for task in present)

    def _same(self, schedule: Schedule, present: list[PeriodicTask]) -> bool:
        return sorted(map(periodic_tasks.entry, present)) == sorted(self.entries(schedule))


def _by_schedule(tasks: Iterable[PeriodicTask]) -> dict[int, list[PeriodicTask]]:
    found: dict[int, list[PeriodicTask]] = {}
    for task in tasks:
        found.setdefault(periodic_tasks.schedule_of(task), []).append(task)
    return found


def _batches(schedule_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(schedule_ids), BATCH):
        yield schedule_ids[start : start + BATCH]


def _active(among: QuerySet[Schedule]) -> list[Schedule]:
    """Those of the schedules that must have rows. A schedule whose zone this machine does not know has no occurrences
    and no rows.
    """
    found = []
    for schedule in among.filter(routed_to=BeatBackend.name, next_due_at__isnull=False):
        try:
            _ = schedule.trigger
        except InvalidTrigger as exc:
            log.warning("schedule %d has no rows: %s", schedule.pk, exc.detail)
        else:
            found.append(schedule)
    return found


@contextmanager
def _reported(done: str) -> Iterator[None]:
    """Raise BackendError in place of a database error."""
    try:
        yield
    except (DatabaseError, InterfaceError) as exc:
        raise BackendError(f"The PeriodicTask rows could not be {done}: {exc}") from exc
