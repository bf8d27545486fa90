"""The last day and the next hour as pictures. The numbers are worked out here; templates only draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour

from dashboard.readable import LOOKS
from scheduling import queries
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task

# Columns of the picture.
HOURS: Final = 24
# Height of the tallest column.
TALLEST: Final = 96
# What is stacked in a column, from below.
STACKED: Final = (Status.COMPLETED, Status.CANCELLED, Status.SKIPPED, Status.MISSED, Status.FAILED)
# The next hour looks at so many schedules, the first due first.
MOST_SCHEDULES: Final = 200
# And at so many occurrences of each: one a minute.
MOST_OF_EACH: Final = 60
# How far the list of what is due looks ahead.
AHEAD: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Block:
    """One colour of a column: from `y` down for `height`."""

    tone: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One hour. `counts` are (word, number) of what ended in it."""

    hour: datetime
    x: int
    blocks: list[Block]
    counts: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Coming:
    """A minute of the next hour, and what is due in it."""

    at: datetime
    x: float
    names: list[str]


def columns(tasks: QuerySet[Task], now: datetime) -> list[Column]:
    """What ended in each of the last HOURS hours. One statement."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    rows = tasks.filter(finished_at__gte=first, finished_at__lte=now)
    found: dict[datetime, dict[str, int]] = {}
    counted = rows.order_by().annotate(hour=TruncHour("finished_at")).values_list("hour", "status")
    for hour, status, count in counted.annotate(count=Count("pk")):
        found.setdefault(hour, {})[status] = count
    tallest = max((sum(counts.values()) for counts in found.values()), default=0)
    hours = [first + timedelta(hours=number) for number in range(HOURS)]
    return [_column(hour, index, found.get(hour, {}), tallest) for index, hour in enumerate(hours)]


def coming(schedules: QuerySet[Schedule], now: datetime) -> list[Coming]:
    """The minutes of the next hour in which something is due. One statement."""
    due = schedules.filter(next_due_at__lte=now + AHEAD).order_by("next_due_at")[:MOST_SCHEDULES]
    minutes: dict[datetime, list[str]] = {}
    for schedule in due:
        for at in queries.next_occurrences(schedule, count=MOST_OF_EACH):
            if at > now + AHEAD:
                break
            names = minutes.setdefault(max(at, now).replace(second=0, microsecond=0), [])
            if schedule.name not in names:
                names.append(schedule.name)
    return [Coming(at, (at - now) / AHEAD, names) for at, names in sorted(minutes.items())]


def _column(hour: datetime, index: int, counts: dict[str, int], tallest: int) -> Column:
    told = [(LOOKS[status].word.lower(), counts[status]) for status in STACKED if counts.get(status)]
    return Column(hour, index, list(_blocks(counts, tallest)), told)


def _blocks(counts: dict[str, int], tallest: int) -> Iterator[Block]:
    top = float(TALLEST)
    for status in STACKED:
        if count := counts.get(status, 0):
            # What is there at all is seen, however many others there are.
            height = max(count / tallest * TALLEST, 2.0)
            top -= height
            yield Block(LOOKS[status].tone, round(top, 1), round(height, 1))
