"""What there is to say about a cron expression, before any language says it. Pure.

Built from the values of the fields, never from their text: `*/90`, `0` and `0,0` as minutes are one clause.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from scheduling.timing.cron import Cron

ALL_MINUTES = tuple(range(60))
ALL_HOURS = tuple(range(24))
_ALL_DATES = tuple(range(1, 32))
_ALL_MONTHS = tuple(range(1, 13))
_ALL_WEEKDAYS = tuple(range(7))

# Six values at one distance are told by it; six times of day at no one distance are still listed.
_LISTED = 6
# Three neighbours are worth a "through"; two read better side by side.
_SHORTEST_RUN = 3


@dataclass(frozen=True, slots=True)
class Times:
    """These times of day and no others, in minutes since midnight, ascending."""

    minutes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EvenTimes:
    """Every `step` minutes from `first` through `last`, both included, in minutes since midnight."""

    step: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Each of these minutes of each of these hours; `hours` is `ALL_HOURS` where the hour is open."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Days:
    """The days of `months` on which an expression fires; an empty tuple restricts nothing.

    `either` joins dates and weekdays by "or"; otherwise a day must be in both. `spelled_out` asks for "every
    day" to be said although nothing restricts the days, because the expression looks as if something did.
    """

    dates: tuple[int, ...]
    weekdays: tuple[int, ...]
    either: bool
    months: tuple[int, ...]
    spelled_out: bool


def time_of_day(cron: Cron) -> Times | EvenTimes | Grid:
    """The shortest exact clause for the minute and hour fields."""
    minutes, hours = cron.minute.values, cron.hour.values
    if hours == ALL_HOURS:
        return Grid(minutes, hours)
    times = tuple(hour * 60 + minute for hour in hours for minute in minutes)
    if len(times) >= _LISTED and (step := even_step(times)):
        return EvenTimes(step, times[0], times[-1])
    return Times(times) if len(times) <= _LISTED else Grid(minutes, hours)


def days(cron: Cron) -> Days:
    """The clause for the day-of-month, month and day-of-week fields, by the day rule of crontab(5)."""
    dates, weekdays = cron.day.values, cron.weekday.values
    months = () if cron.month.values == _ALL_MONTHS else cron.month.values
    open_dates, open_weekdays = dates == _ALL_DATES, weekdays == _ALL_WEEKDAYS
    # "Or" with a field that allows every day is every day, whatever the other field says.
    if (open_dates and open_weekdays) or (cron.either_day and (open_dates or open_weekdays)):
        return Days((), (), either=False, months=months, spelled_out=not (cron.day.starred and cron.weekday.starred))
    return Days(
        () if open_dates else dates,
        () if open_weekdays else weekdays,
        either=cron.either_day,
        months=months,
        spelled_out=False,
    )


def even_step(values: tuple[int, ...]) -> int:
    """The one distance between neighbours in `values` (ascending); 0 where there is none, or not one."""
    if len(values) < 2:
        return 0
    step = values[1] - values[0]
    return step if all(after - before == step for before, after in pairwise(values)) else 0


def elided(values: tuple[int, ...]) -> bool:
    """Whether `values` (ascending) are so many at one distance that "1, 3, 5, ..., 31" says it better."""
    return len(values) >= _LISTED and even_step(values) > 1


def step_of_hour(minutes: tuple[int, ...]) -> int:
    """n where `minutes` are exactly every n minutes across the hours (n divides 60, from :00), else 0.

    Only then does "every n minutes" hold from one hour to the next: `*/40` is :00 and :40.
    """
    step = even_step(minutes)
    return step if step and minutes[0] == 0 and len(minutes) * step == 60 else 0


def runs(values: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """`values` (ascending) as ranges (first, last), both included; a value that stands alone is (v, v)."""
    found: list[tuple[int, int]] = []
    for value in values:
        if found and found[-1][1] == value - 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return tuple(part for first, last in found for part in _worth_a_range(first, last))


def _worth_a_range(first: int, last: int) -> tuple[tuple[int, int], ...]:
    if last - first + 1 >= _SHORTEST_RUN:
        return ((first, last),)
    return tuple((value, value) for value in range(first, last + 1))


def week_runs(weekdays: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Weekdays (0 is Sunday) as ranges in the order of the week, Monday first.

    A single stretch that passes from Saturday to Sunday stays whole: (5, 0) is Friday through Sunday.
    """
    held = set(weekdays)
    starts = [day for day in weekdays if (day - 1) % 7 not in held]
    if len(starts) == 1 and len(held) >= _SHORTEST_RUN:
        return ((starts[0], (starts[0] + len(held) - 1) % 7),)
    # Counted from Monday, Sunday is 7, so that runs() can close a weekend.
    ordered = tuple(sorted(day or 7 for day in held))
    return tuple((first % 7, last % 7) for first, last in runs(ordered))
