"""The timeline of very many schedules: how much is due when, as a table whose cells are coloured."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet, Sum

from dashboard.timeline.window import ClockChange, Window, clock_changes
from scheduling.lifecycle import Status
from scheduling.models import LatenessBucket, Task
from scheduling.review.collisions import due_by_step, zones_in_use

# The columns of a row: five minutes of an hour, or the hours of a day.
_STEPS: Final = {
    "day": (timedelta(minutes=5), 12),
    "week": (timedelta(hours=1), 24),
    "month": (timedelta(hours=1), 24),
}
# Shades, from nothing to the busiest.
SHADES: Final = 5
# Of the tasks that failed or were missed so many are counted, the newest first.
MOST_TROUBLES: Final = 2_000
# Zones of a row that are named: half of the world changes its clocks in one night.
MOST_CLOCKS: Final = 3
# The busiest cells that are named below the table.
BUSIEST: Final = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """One step: how many occurrences are due in it, and its shade from 0 (none) to SHADES."""

    at: datetime
    due: int
    shade: int


@dataclass(frozen=True, slots=True)
class Row:
    """An hour or a day. `started` is None where it has not begun yet; `clocks` are the changes of clocks in it."""

    at: datetime
    cells: list[Cell]
    due: int
    started: int | None
    troubles: int
    clocks: list[ClockChange]


@dataclass(frozen=True, slots=True)
class Heat:
    """The table. `columns` are the labels of its columns."""

    columns: list[str]
    rows: list[Row]
    busiest: list[Cell]


def heat(shown: Window, *, tasks: QuerySet[Task], now: datetime) -> Heat:
    """The table of a window. The number of statements is fixed."""
    step, across = _STEPS[shown.span]
    number = (shown.end - shown.start) // step
    due = due_by_step(shown.start, step=step, number=number)
    most = max(due, default=0)
    cells = [Cell(shown.start + index * step, count, _shade(count, most)) for index, count in enumerate(due)]
    length = across * step
    started, troubles = _started(shown, length), _troubles(shown, length, tasks)
    clocks: dict[datetime, list[ClockChange]] = defaultdict(list)
    for change in clock_changes(shown, zones_in_use()):
        clocks[_row_of(change.at, shown, length)].append(change)
    parts = [cells[first : first + across] for first in range(0, number, across)]
    rows = [_row(part, started, troubles, clocks[part[0].at][:MOST_CLOCKS], now) for part in parts]
    labels = [f":{minute:02}" for minute in range(0, 60, 5)] if across == 12 else [f"{hour:02}" for hour in range(24)]
    return Heat(labels, rows, sorted(cells, key=lambda cell: -cell.due)[:BUSIEST] if most else [])


def _row(
    cells: list[Cell],
    started: Counter[datetime],
    troubles: Counter[datetime],
    clocks: list[ClockChange],
    now: datetime,
) -> Row:
    at = cells[0].at
    begun = started[at] if at <= now else None
    return Row(at, cells, sum(cell.due for cell in cells), begun, troubles[at], clocks)


def _shade(count: int, most: int) -> int:
    return 0 if not count else max(1, -(-count * SHADES // most))


def _started(shown: Window, length: timedelta) -> Counter[datetime]:
    """How many occurrences were handed over or started in each row, as /api/lateness/ counts them."""
    rows = LatenessBucket.objects.filter(hour__gte=shown.start, hour__lt=shown.end).order_by()
    found: Counter[datetime] = Counter()
    for hour, count in rows.values_list("hour").annotate(Sum("count")):
        found[_row_of(hour, shown, length)] += count
    return found


def _troubles(shown: Window, length: timedelta, tasks: QuerySet[Task]) -> Counter[datetime]:
    found: Counter[datetime] = Counter()
    for status in (Status.FAILED, Status.MISSED):
        newest = tasks.filter(status=status).order_by("-pk").values_list("finished_at", flat=True)[:MOST_TROUBLES]
        found.update(_row_of(at, shown, length) for at in newest if at and shown.start <= at < shown.end)
    return found


def _row_of(at: datetime, shown: Window, length: timedelta) -> datetime:
    return shown.start + (at - shown.start) // length * length
