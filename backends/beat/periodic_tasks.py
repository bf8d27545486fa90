"""How our rows in django-celery-beat's tables are read, written and deleted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from backends.beat.entries import WAKE_TASK, CrontabRow, Row, rows
from scheduling.entry import Entry
from scheduling.models import Schedule

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


def of(schedule_id: int) -> QuerySet[PeriodicTask]:
    """The rows whose names are those of the schedule's rows."""
    names = [_name(schedule_id, number) for number in range(MOST_ROWS)]
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


def write(schedule: Schedule, *, now: datetime) -> None:
    """Replace the rows of the schedule by the ones it must have. Must run inside the caller's transaction."""
    replaced = list(of(schedule.pk))
    PeriodicTask.objects.filter(pk__in=[task.pk for task in replaced]).delete()
    for number, row in enumerate(rows(schedule, now=now)):
        PeriodicTask.objects.create(
            name=_name(schedule.pk, number),
            task=WAKE_TASK,
            args=f"[{schedule.pk}]",
            description=schedule.name,
            expire_seconds=WAKE_EXPIRES_SECONDS,
            **_clock(row),
        )
    _delete_unused_clocks(replaced)


def delete(tasks: Iterable[PeriodicTask]) -> None:
    """Delete rows, and the clocks that only they used. Must run inside the caller's transaction."""
    deleted = list(tasks)
    PeriodicTask.objects.filter(pk__in=[task.pk for task in deleted]).delete()
    _delete_unused_clocks(deleted)


def _with_clocks(tasks: QuerySet[PeriodicTask]) -> QuerySet[PeriodicTask]:
    return tasks.select_related("crontab", "interval", "solar", "clocked").order_by("pk")


def _name(schedule_id: int, number: int) -> str:
    return f"tandem:{schedule_id}:{number}"


def _clock(row: Row) -> dict[str, object]:
    """The CrontabSchedule or IntervalSchedule that says when the row is due. Equal rows share one.

    It is locked, so that no other process deletes it as unused before our row uses it. get_or_create does not fit:
    these tables have no unique constraint, and it raises an error if there are two equal rows.
    """
    if isinstance(row, CrontabRow):
        wanted = {
            "minute": row.minute, "hour": row.hour, "day_of_month": row.day_of_month,
            "month_of_year": row.month_of_year, "day_of_week": row.day_of_week, "timezone": "UTC",
        }  # fmt: skip
        return {"crontab": _found(CrontabSchedule, wanted) or CrontabSchedule.objects.create(**wanted)}
    every = {"every": row.seconds, "period": IntervalSchedule.SECONDS}
    return {"interval": _found(IntervalSchedule, every) or IntervalSchedule.objects.create(**every)}


def _found(model: Any, wanted: dict[str, Any]) -> Any:
    return model.objects.select_for_update(no_key=True).filter(**wanted).order_by("pk").first()


def _delete_unused_clocks(tasks: list[PeriodicTask]) -> None:
    """Delete the clocks that these deleted rows used and that no other row uses.

    The clocks are locked first. If another process adds a row for one of them meanwhile, either the second query sees
    that row, or adding it fails on its foreign key; the row is never deleted together with its clock. A clock that
    another process has locked is in use, and stays.
    """
    for model, ids in (
        (CrontabSchedule, {task.crontab_id for task in tasks}),
        (IntervalSchedule, {task.interval_id for task in tasks}),
    ):
        known = ids - {None}
        if known:
            locked = model.objects.select_for_update(skip_locked=True).filter(pk__in=known)
            held = [clock.pk for clock in locked]
            model.objects.filter(pk__in=held, periodictask__isnull=True).delete()


def _clock_text(task: PeriodicTask) -> str:
    if task.crontab is not None:
        clock = task.crontab
        days = f"{clock.day_of_month} {clock.month_of_year} {clock.day_of_week}"
        return f"{clock.minute} {clock.hour} {days} {clock.timezone}"
    if task.interval is not None:
        period = task.interval.period
        return f"every {task.interval.every} {'s' if period == IntervalSchedule.SECONDS else period}"
    return str(task.scheduler or "never")
