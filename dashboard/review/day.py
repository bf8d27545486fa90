"""The next 24 hours of a crontab as a picture: how many of its lines start in each quarter of an hour. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from scheduling.review.report_lines import ReportLine
from scheduling.timing import Cron
from scheduling.timing.instants import minute_of

# The width of a column: a day of them fits into a picture.
QUARTER: Final = timedelta(minutes=15)
# A day of quarters.
QUARTERS: Final = 96
# The height of the tallest column.
TALLEST: Final = 72


@dataclass(frozen=True, slots=True)
class Column:
    """A quarter of an hour (UTC), the number of its starts, and its column: from `y` down for `height`."""

    at: datetime
    starts: int
    y: float
    height: float


def columns(lines: Iterable[ReportLine], *, now: datetime) -> list[Column]:
    """The day of these lines, from the present quarter of an hour on."""
    first = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    starts: Counter[int] = Counter()
    alike = Counter((line.expression, line.timezone) for line in lines if line.kind == "entry")
    for (expression, timezone), count in alike.items():
        cron, begin = Cron.parse(expression, timezone), minute_of(first)
        for base, minutes in cron.by_day(first - timedelta(minutes=1), first + QUARTERS * QUARTER - QUARTER / 15):
            for minute in minutes:
                starts[(base + minute - begin) // 15] += count
    most = max(starts.values(), default=1)
    return [_column(first + number * QUARTER, starts[number], most) for number in range(QUARTERS)]


def _column(at: datetime, starts: int, most: int) -> Column:
    height = round(max(starts / most * TALLEST, 2.0), 1) if starts else 0.0
    return Column(at, starts, TALLEST - height, height)
