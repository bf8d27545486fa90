"""How our rows in django-celery-beat's tables are read, written and deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from backends.beat.entries import WAKE_TASK, CrontabRow, IntervalRow, Row, rows
from scheduling.entry import Entry
from scheduling.models import Schedule

# The value of Celery's setting beat_scheduler that makes a beat one of ours.
LEDGER_SCHEDULER: Final = "backends.beat.scheduler.LedgerScheduler"
# A wake-up that no worker took for this long is dropped: a later wake-up finds the same occurrences.
WAKE_EXPIRES_SECONDS: Final = 300
# A cron expression that joins its day fields with "or" takes two rows.
MOST_ROWS: Final = 2
# The schedule id of a row that sends our wake-up, but that we did not write.
NO_SCHEDULE: Final = 0

_NAME: Final = r"^tandem:[0-9]+:[0-9]+$"
# The fields of a row that the admin can change, besides its clock, task and arguments, and the values that we write.
_WRITTEN_VALUES: Final[dict[str, object]] = {
    "kwargs": "{}",
    "queue": None,
    "exchange": None,
    "routing_key": None,
    "headers": "{}",
    "priority": None,
    "expires": None,
    "expire_seconds": WAKE_EXPIRES_SECONDS,
    "one_off": False,
    "start_time": None,
}


def ours() -> QuerySet[PeriodicTask]:
    """Every row that sends our wake-up or has a name of ours, even if somebody changed the rest of it."""
    found = PeriodicTask.objects.filter(Q(task=WAKE_TASK) | Q(name__regex=_NAME))
    return _with_clocks(found)


def of(schedule_ids: Iterable[int]) -> QuerySet[PeriodicTask]:
    """The rows whose names are those of the schedules' rows."""
    names = [_name(schedule_id, number) for schedule_id in schedule_ids for number in range(MOST_ROWS)]
    return _with_clocks(PeriodicTask.objects.filter(name__in=names))


def entry(task: PeriodicTask) -> Entry:
    """The row as it is now; its text names everything that somebody changed."""
    schedule_id = schedule_of(task)
    argument = task.args.removeprefix("[").removesuffix("]")
    notes = [] if task.enabled else ["disabled"]
    if schedule_id == NO_SCHEDULE:
        notes.append(f"named {task.name!r}")
    for field, written in _WRITTEN_VALUES.items():
        value = getattr(task, field)
        # The admin stores an empty text where we store None.
        if (value or None) != (written or None):
            notes.append(f"{field} {value}")
    noted = f" ({', '.join(notes)})" if notes else ""
    ids = () if schedule_id == NO_SCHEDULE else (schedule_id,)
    return Entry(f"{_clock_text(task)} -> {task.task}({argument}){noted}", ids)


def schedule_of(task: PeriodicTask) -> int:
    """The id of the schedule that the row's name holds, or NO_SCHEDULE."""
    prefix, _, rest = task.name.partition(":")
    number, _, index = rest.partition(":")
    written_by_us = prefix == "tandem" and number.isdecimal() and index.isdecimal()
    return int(number) if written_by_us else NO_SCHEDULE


def replace(present: Collection[PeriodicTask], schedules: Collection[Schedule], *, now: datetime) -> None:
    """Delete rows of ours, and write the ones that the schedules must have. Must run inside the caller's transaction.

    A clock that only deleted rows used is deleted, too. The number of statements does not depend on that of the rows.
    """
    _delete_rows(PeriodicTask.objects.filter(pk__in=[task.pk for task in present]), when=bool(present))
    wanted = [(schedule, number, row) for schedule in schedules for number, row in enumerate(rows(schedule, now=now))]
    clocks = _clocks({row for _, _, row in wanted})
    PeriodicTask.objects.bulk_create(
        PeriodicTask(
            name=_name(schedule.pk, number),
            task=WAKE_TASK,
            args=f"[{schedule.pk}]",
            description=schedule.name,
            expire_seconds=WAKE_EXPIRES_SECONDS,
            **{"crontab" if isinstance(row, CrontabRow) else "interval": clocks[row]},
        )
        for schedule, number, row in wanted
    )
    _delete_unused_clocks(present)
    # LedgerScheduler does not read our rows: it need not read the others again because of a change of ours.
    if (present or wanted) and settings.CELERY["beat_scheduler"] != LEDGER_SCHEDULER:
        PeriodicTasks.update_changed()


def _with_clocks(tasks: QuerySet[PeriodicTask]) -> QuerySet[PeriodicTask]:
    return tasks.select_related("crontab", "interval", "solar", "clocked").order_by("pk")


def _name(schedule_id: int, number: int) -> str:
    return f"tandem:{schedule_id}:{number}"


def _clocks(wanted: AbstractSet[Row]) -> dict[Row, Any]:
    """The CrontabSchedule or IntervalSchedule that says when a row is due. Equal rows share one.

    They are locked, so that no other process deletes one as unused before our row uses it. These tables have no unique
    constraint: of equal ones the first is taken.
    """
    found: dict[Row, Any] = {}
    crontabs = [row for row in wanted if isinstance(row, CrontabRow)]
    if crontabs:
        found |= _found_or_made(CrontabSchedule, crontabs, {"timezone": "UTC"})
    intervals = [row for row in wanted if isinstance(row, IntervalRow)]
    if intervals:
        found |= _found_or_made(IntervalSchedule, intervals, {"period": IntervalSchedule.SECONDS})
    return found


def _found_or_made(model: Any, wanted: Sequence[Row], constant: Mapping[str, str]) -> dict[Row, Any]:
    values = [asdict(row) for row in wanted]
    # At least those that are wanted, and others with some other combination of these values.
    filters = {f"{name}__in": {each[name] for each in values} for name in values[0]}
    present = model.objects.select_for_update(no_key=True).filter(**filters, **constant).order_by("-pk")
    make_row = type(wanted[0])
    found = {make_row(**{name: getattr(clock, name) for name in values[0]}): clock for clock in present}
    missing = [row for row in wanted if row not in found]
    # No signal is sent: it would have every beat read all rows again.
    made = model.objects.bulk_create(model(**asdict(row), **constant) for row in missing)
    return found | dict(zip(missing, made, strict=True))


def _delete_unused_clocks(tasks: Collection[PeriodicTask]) -> None:
    """Delete the clocks that these deleted rows used and that no other row uses.

    The clocks are locked first. If another process adds a row for one of them meanwhile, either the second query sees
    that row, or adding it fails on its foreign key; the row is never deleted together with its clock. A clock that
    another process has locked is in use, and stays.
    """
    for model, name in ((CrontabSchedule, "crontab"), (IntervalSchedule, "interval")):
        known = {getattr(task, f"{name}_id") for task in tasks} - {None}
        if known:
            locked = model.objects.select_for_update(skip_locked=True).filter(pk__in=known)
            held = [clock.pk for clock in locked]
            unused = model.objects.filter(pk__in=held).exclude(
                Exists(PeriodicTask.objects.filter(**{name: OuterRef("pk")}))
            )
            _delete_rows(unused, when=bool(held))


def _delete_rows(found: QuerySet[Any], *, when: bool) -> None:
    """Delete without signals: each of them would be two statements, and have every beat read all rows again."""
    if when:
        found._raw_delete(found.db)  # noqa: SLF001 - Django has no public way; it deletes so itself, in Collector


def _clock_text(task: PeriodicTask) -> str:
    if task.crontab is not None:
        clock = task.crontab
        days = f"{clock.day_of_month} {clock.month_of_year} {clock.day_of_week}"
        return f"{clock.minute} {clock.hour} {days} {clock.timezone}"
    if task.interval is not None:
        period = task.interval.period
        return f"every {task.interval.every} {'s' if period == IntervalSchedule.SECONDS else period}"
    return str(task.scheduler or "never")
