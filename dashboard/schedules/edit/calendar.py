"""The coming weeks of a schedule as a small calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from scheduling.models import Schedule
from scheduling.review.advice import runs_between
from scheduling.timing import zone

# A month of a monthly schedule, and the rest of the week.
WEEKS: Final = 6
# Counts are after one instant, up to another: a day begins just before its midnight.
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Day:
    """One day in the schedule's zone. `runs` is the number of its occurrences that are still to come."""

    date: date
    runs: int
    past: bool
    today: bool
    begins_month: bool


def weeks(schedule: Schedule, *, now: datetime) -> list[list[Day]]:
    """The days from the Monday of this week on. Raises InvalidTrigger where the zone is not known here."""
    local = zone(schedule.timezone)
    today = now.astimezone(local).date()
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(days=number) for number in range(7 * WEEKS)]
    edges = [datetime.combine(day, time.min, tzinfo=local) for day in (*days, days[-1] + timedelta(days=1))]
    shown = [
        Day(
            date=day,
            runs=runs_between(schedule, after=max(start - _INSTANT, now), until=end - _INSTANT),
            past=day < today,
            today=day == today,
            begins_month=day.day == 1 or day == monday,
        )
        for day, start, end in zip(days, edges, edges[1:], strict=False)
    ]
    return [shown[first : first + 7] for first in range(0, len(shown), 7)]
