"""The backend `beat`: its entries are rows of django-celery-beat, which Django's admin shows."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from backends.beat import foreign_rows, periodic_tasks, stored_rows
from backends.beat.entries import rows, text
from backends.beat.stored_rows import NO_SCHEDULE, StoredRow
from scheduling import processes
from scheduling.backend import Capabilities, Foreign, SchedulerBackend, WriteResult
from scheduling.difference import Difference, DifferenceKind
from scheduling.entry import Entry
from scheduling.errors import BackendError, InvalidTrigger, Problem
from scheduling.findings import Finding
from scheduling.models import Schedule

log = logging.getLogger(__name__)

# A Beat that runs meets an occurrence within a second: this one does not run, or not well.
OVERDUE = timedelta(minutes=1)
# So many schedules get their rows in one transaction of a sync.
BATCH: Final = 1_000
# Schedules in memory at a time while they are compared.
CHUNK: Final = 2_000
# All that rows are made of.
_TRIGGER_FIELDS: Final = ("cron", "every", "anchor", "timezone")


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
        return [Entry(each, (schedule.pk,)) for each in _texts(schedule)]

    def install(self, schedule: Schedule) -> WriteResult:
        """Write the rows of the schedule as the database has it now, unless they are there already."""
        return self.install_all([schedule])[schedule.pk]

    def install_all(self, schedules: Sequence[Schedule]) -> dict[int, WriteResult]:
        """`install` for each of them: as many statements for BATCH schedules as for one."""
        with _reported("written"):
            for batch in _batches([schedule.pk for schedule in schedules]):
                self._rewrite(batch)
        return {schedule.pk: WriteResult.DONE for schedule in schedules}

    def remove(self, schedule: Schedule) -> WriteResult:
        """Delete the schedule's rows."""
        self.remove_all([schedule])
        return WriteResult.DONE

    def remove_all(self, schedules: Sequence[Schedule]) -> None:
        """`remove` for each of them, in batches as `install_all`."""
        with _reported("deleted"):
            for batch in _batches([schedule.pk for schedule in schedules]):
                with transaction.atomic():
                    periodic_tasks.replace(list(stored_rows.of(batch)), [], now=timezone.now())

    def sync(self) -> None:
        """Rewrite the rows that differ from their schedule, and delete the rows of schedules that are not on Beat."""
        with _reported("brought up to date"):
            present = _by_schedule(stored_rows.ours())
            unnamed = present.pop(NO_SCHEDULE, [])
            if unnamed:
                with transaction.atomic():
                    periodic_tasks.replace(unnamed, [], now=timezone.now())
            wanted = _active(_on_beat().only(*_TRIGGER_FIELDS).iterator(CHUNK))
            differing = [schedule.pk for schedule in wanted if not _same(schedule, present.pop(schedule.pk, []))]
            # What is left is of schedules that must have no rows.
            # Not all in one transaction: one for thousands of schedules would block the database too long.
            for batch in _batches([*sorted(present), *differing]):
                self._rewrite(batch)

    def desired(self) -> list[Entry]:
        """The rows of every active schedule that is on Beat."""
        wanted = _active(_on_beat().only(*_TRIGGER_FIELDS).iterator(CHUNK))
        return [Entry(each, (schedule.pk,)) for schedule in wanted for each in _texts(schedule)]

    def inspect(self) -> list[Entry]:
        """Our rows as they are now, with what somebody changed in the admin."""
        with _reported("read"):
            return [row.entry for row in stored_rows.ours()]

    def foreign(self, *, most: int) -> list[Foreign]:
        """The PeriodicTasks that are not ours."""
        with _reported("read"):
            return foreign_rows.foreign(most)

    def adopt(self, number: int, *, now: datetime) -> Schedule:
        """A schedule in the place of the PeriodicTask with this id, which is disabled."""
        from backends.beat import adoption  # noqa: PLC0415 - a beat adopts nothing, and need not import what checks jobs

        return adoption.adopt(number, now=now)

    def differences(self) -> list[Difference]:
        """The rows of active schedules that somebody disabled in the admin."""
        found = []
        with _reported("read"):
            disabled = _by_schedule(stored_rows.disabled())
            held = _on_beat().filter(pk__in=disabled).order_by("pk")
            for schedule_id in held.values_list("pk", flat=True) if disabled else ():
                for row in disabled[schedule_id]:
                    enabled = row._replace(enabled=True).text
                    found.append(Difference(DifferenceKind.DISABLED, row.text, (schedule_id,), instead_of=enabled))
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
            locked = _on_beat().select_for_update().filter(pk__in=schedule_ids).order_by("pk")
            active = {schedule.pk: schedule for schedule in _active(locked)}
            present = _by_schedule(stored_rows.of(schedule_ids))
            wrong = [pk for pk in schedule_ids if pk not in active or not _is_there(active[pk], present.get(pk, []))]
            periodic_tasks.replace(
                [row for pk in wrong for row in present.get(pk, [])],
                [active[pk] for pk in wrong if pk in active],
                now=timezone.now(),
            )


def _texts(schedule: Schedule) -> list[str]:
    """The texts of the rows that the schedule must have."""
    return [text(row, schedule.pk) for row in rows(schedule, now=timezone.now())]


def _same(schedule: Schedule, present: Sequence[StoredRow]) -> bool:
    return sorted(row.text for row in present) == sorted(_texts(schedule))


def _is_there(schedule: Schedule, present: Sequence[StoredRow]) -> bool:
    # An entry does not hold the schedule's name. A new name is no drift, but the admin shows it as description.
    return _same(schedule, present) and all(row.description == schedule.name for row in present)


def _by_schedule(found: Iterable[StoredRow]) -> dict[int, list[StoredRow]]:
    by_schedule: dict[int, list[StoredRow]] = {}
    for row in found:
        by_schedule.setdefault(row.schedule_id, []).append(row)
    return by_schedule


def _batches(schedule_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(schedule_ids), BATCH):
        yield schedule_ids[start : start + BATCH]


def _on_beat() -> QuerySet[Schedule]:
    return Schedule.objects.filter(routed_to=BeatBackend.name, next_due_at__isnull=False)


def _active(among: Iterable[Schedule]) -> Iterator[Schedule]:
    """Those of the schedules that must have rows. A schedule whose zone this machine does not know has no occurrences
    and no rows.
    """
    for schedule in among:
        try:
            _ = schedule.trigger
        except InvalidTrigger as exc:
            log.warning("schedule %d has no rows: %s", schedule.pk, exc.detail)
        else:
            yield schedule


@contextmanager
def _reported(done: str) -> Iterator[None]:
    """Raise BackendError in place of a database error."""
    try:
        yield
    except (DatabaseError, InterfaceError) as exc:
        raise BackendError(f"The PeriodicTask rows could not be {done}: {exc}") from exc
