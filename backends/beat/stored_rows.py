"""How do our rows in django-celery-beat's tables look at present? Read as plain values: there may be ten thousand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from django.db.models import Q, QuerySet
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from backends.beat.entries import WAKE_TASK
from scheduling.entry import Entry

# A wake-up that no worker took for this long is dropped: a later wake-up finds the same occurrences.
WAKE_EXPIRES_SECONDS: Final = 300
# A cron expression that joins its day fields with "or" takes two rows.
MOST_ROWS: Final = 2
# The schedule id of a row that sends our wake-up, but that we did not write.
NO_SCHEDULE: Final = 0

_OURS: Final = Q(task=WAKE_TASK) | Q(name__regex=r"^tandem:[0-9]+:[0-9]+$")
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
_WRITTEN: Final = tuple(_WRITTEN_VALUES.values())
_ROW: Final = ("pk", "name", "task", "args", "description", "enabled")
_CLOCK_IDS: Final = ("crontab_id", "interval_id", "solar_id", "clocked_id")
_CRONTAB: Final = tuple(
    f"crontab__{name}" for name in ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")
)
_INTERVAL: Final = ("interval__every", "interval__period")
# Rows that the database sends at once.
_CHUNK: Final = 2_000


class StoredRow(NamedTuple):
    """A PeriodicTask as it is stored. `clock` is its clock as text; `notes` say what somebody changed besides."""

    pk: int
    name: str
    task: str
    args: str
    description: str
    enabled: bool
    crontab_id: int | None
    interval_id: int | None
    clock: str
    notes: tuple[str, ...]

    @property
    def schedule_id(self) -> int:
        """The id of the schedule that the row's name holds, or NO_SCHEDULE."""
        prefix, _, rest = self.name.partition(":")
        number, _, index = rest.partition(":")
        written_by_us = prefix == "tandem" and number.isdecimal() and index.isdecimal()
        return int(number) if written_by_us else NO_SCHEDULE

    @property
    def text(self) -> str:
        """The row as the text of an Entry; it names everything that somebody changed."""
        argument = self.args.removeprefix("[").removesuffix("]")
        notes = [] if self.enabled else ["disabled"]
        if self.schedule_id == NO_SCHEDULE:
            notes.append(f"named {self.name!r}")
        notes.extend(self.notes)
        noted = f" ({', '.join(notes)})" if notes else ""
        return f"{self.clock} -> {self.task}({argument}){noted}"

    @property
    def entry(self) -> Entry:
        """The row as it is now."""
        schedule_id = self.schedule_id
        return Entry(self.text, () if schedule_id == NO_SCHEDULE else (schedule_id,))


def name_of(schedule_id: int, number: int) -> str:
    """The name of the row `number`, from 0 on, of a schedule."""
    return f"tandem:{schedule_id}:{number}"


def ours() -> Iterator[StoredRow]:
    """Every row that sends our wake-up or has a name of ours, even if somebody changed the rest of it."""
    return _read(PeriodicTask.objects.filter(_OURS))


def disabled() -> Iterator[StoredRow]:
    """Those of `ours` that somebody disabled."""
    return _read(PeriodicTask.objects.filter(_OURS, enabled=False))


def of(schedule_ids: Iterable[int]) -> Iterator[StoredRow]:
    """The rows whose names are those of the schedules' rows."""
    names = [name_of(schedule_id, number) for schedule_id in schedule_ids for number in range(MOST_ROWS)]
    # Few: nothing is gained by a cursor, which is three statements.
    return _read(PeriodicTask.objects.filter(name__in=names), at_once=True)


def not_ours() -> QuerySet[PeriodicTask]:
    """The rows of other applications, and those that somebody made in the admin, by name."""
    clocks = ("crontab", "interval", "solar", "clocked")
    rows: QuerySet[PeriodicTask] = PeriodicTask.objects.exclude(_OURS).select_related(*clocks).order_by("name")
    return rows


def is_ours(row: PeriodicTask) -> bool:
    """Whether Tandem has written the row, or somebody has made one that sends our wake-up."""
    return row.task == WAKE_TASK or re.fullmatch(r"tandem:[0-9]+:[0-9]+", row.name) is not None


def _read(tasks: QuerySet[PeriodicTask], *, at_once: bool = False) -> Iterator[StoredRow]:
    columns = (*_ROW, *_CLOCK_IDS, *_CRONTAB, *_INTERVAL, *_WRITTEN_VALUES)
    found: Any = tasks.order_by("pk").values_list(*columns)
    for values in found if at_once else found.iterator(_CHUNK):
        (crontab, interval, *others), rest = values[6:10], values[10:]
        clock = _clock(crontab, interval, others, rest[:6], rest[6:8])
        yield StoredRow._make((*values[:6], crontab, interval, clock, _notes(rest[8:])))


def _clock(crontab: int | None, interval: int | None, others: list[int | None], when: Any, every: Any) -> str:
    if crontab is not None:
        return " ".join(map(str, when))
    if interval is not None:
        count, period = every
        return f"every {count} {'s' if period == IntervalSchedule.SECONDS else period}"
    solar, clocked = others
    if solar is not None:
        return f"solar schedule {solar}"
    return "never" if clocked is None else f"clocked schedule {clocked}"


def _notes(values: tuple[object, ...]) -> tuple[str, ...]:
    """What differs from what we write."""
    if values == _WRITTEN:
        return ()
    pairs = zip(_WRITTEN_VALUES.items(), values, strict=True)
    return tuple(f"{name} {value}" for (name, written), value in pairs if value != written)
