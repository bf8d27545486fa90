"""The last day and the next hour as pictures. The numbers are worked out here; templates only draw."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import takewhile
from typing import Final

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour

from dashboard.readable import LOOKS
from scheduling import owners, queries, statistics
from scheduling.backend import backend_names
from scheduling.errors import InvalidTrigger
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task

# Columns of the picture.
HOURS: Final = 24
# Height of the tallest column.
TALLEST: Final = 96
# What is stacked in a column, from below.
STACKED: Final = (Status.COMPLETED, Status.CANCELLED, Status.SKIPPED, Status.MISSED, Status.FAILED)
# The same, each with its word, its tone, and whether its block is an outline.
LEGEND: Final = [(LOOKS[status].word.lower(), LOOKS[status].tone, LOOKS[status].hollow) for status in STACKED]
# Tasks that are counted where there are no statistics: a quarter of a second's work.
MOST_COUNTED: Final = 20_000
# The next hour looks at so many schedules, the first due first.
MOST_SCHEDULES: Final = 100
# Minutes that are listed: one screen.
MOST_MINUTES: Final = 12
# How far the list of what is due looks ahead.
AHEAD: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a column: from `y` down for `height`. What failed is `striped`, and `hollow` is where nothing ran."""

    tone: str
    y: float
    height: float
    striped: bool
    hollow: bool


@dataclass(frozen=True, slots=True)
class Column:
    """One hour. `counts` are (word, number) of what ended in it."""

    hour: datetime
    x: int
    blocks: list[Block]
    counts: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Coming:
    """A minute of the next hour, and what is due in it: the id and the name of each."""

    at: datetime
    due: list[tuple[int, str]]


def columns(tasks: QuerySet[Task], now: datetime) -> list[Column]:
    """What ended in each of the last HOURS hours, from the statistics.

    They are of the whole installation. For who is bound to an owner, and where nothing is counted yet, the newest
    MOST_COUNTED tasks are counted.
    """
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    found = statistics.ended(first) if owners.unbound() else None
    if found is None:
        found = _counted(tasks, first)
    tallest = max((sum(counts.values()) for counts in found.values()), default=0)
    hours = [first + timedelta(hours=number) for number in range(HOURS)]
    return [_column(hour, index, found.get(hour, Counter()), tallest) for index, hour in enumerate(hours)]


def coming(schedules: QuerySet[Schedule], now: datetime) -> list[Coming]:
    """The first MOST_MINUTES minutes of the next hour in which something is due. One statement."""
    until = now + AHEAD
    # The backends are named, so that the index on them and the due time is used.
    due = schedules.filter(routed_to__in=backend_names(), next_due_at__lte=until).order_by("next_due_at")
    found: dict[datetime, list[tuple[int, str]]] = {}
    for minute, named in merge(*(_minutes(schedule, now, until) for schedule in due[:MOST_SCHEDULES])):
        if minute not in found and len(found) == MOST_MINUTES:
            break
        these = found.setdefault(minute, [])
        if named not in these:
            these.append(named)
    return [Coming(at, these) for at, these in found.items()]


def _minutes(schedule: Schedule, now: datetime, until: datetime) -> Iterator[tuple[datetime, tuple[int, str]]]:
    """The minutes in which it is due, one after the other, worked out as they are asked for."""
    try:
        for at in takewhile(lambda at: at <= until, queries.following(schedule)):
            yield max(at, now).replace(second=0, microsecond=0), (schedule.pk, schedule.name)
    except InvalidTrigger:
        return  # this machine does not know its zone: the list of schedules says so


def _counted(tasks: QuerySet[Task], first: datetime) -> dict[datetime, Counter[str]]:
    newest = tasks.filter(finished_at__gte=first).order_by("-finished_at").values("pk")[:MOST_COUNTED]
    rows = tasks.filter(pk__in=newest).order_by().annotate(hour=TruncHour("finished_at"))
    found: dict[datetime, Counter[str]] = defaultdict(Counter)
    for hour, status, count in rows.values_list("hour", "status").annotate(count=Count("pk")):
        found[hour][status] = count
    return found


def _column(hour: datetime, index: int, counts: Counter[str], tallest: int) -> Column:
    told = [(LOOKS[status].word.lower(), counts[status]) for status in STACKED if counts.get(status)]
    return Column(hour, index, list(_blocks(counts, tallest)), told)


def _blocks(counts: Counter[str], tallest: int) -> Iterator[Block]:
    top = float(TALLEST)
    for status in STACKED:
        if count := counts.get(status, 0):
            # What is there at all is seen, however many others there are.
            height = max(count / tallest * TALLEST, 2.0)
            top -= height
            look = LOOKS[status]
            yield Block(look.tone, round(top, 1), round(height, 1), look.tone == "bad", look.hollow)
