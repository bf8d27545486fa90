"""The English sentences. Their grammar is small and fixed: a reader in the tests reads it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.words import cron_descriptor
from scheduling.words.clauses import (
    ALL_HOURS,
    ALL_MINUTES,
    Days,
    EvenTimes,
    Grid,
    Times,
    days,
    elided,
    runs,
    step_of_hour,
    time_of_day,
    week_runs,
)

Clock = Literal[12, 24]

_CATALOGUE = "en_US"
_NUMBERS = tuple(str(number) for number in range(60))
# Not from `calendar`, which answers in the language of the process.
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def sentence(trigger: Cron | Every, clock: Clock) -> str:
    """When `trigger` fires, in English, such as `At 02:30, Monday through Friday, Europe/Berlin time`."""
    if isinstance(trigger, Every):
        text = _interval(trigger, clock)
    else:
        text = f"{_time(time_of_day(trigger), clock)}{_days(days(trigger))}, {trigger.zone.key} time"
    return text[0].upper() + text[1:]


def _interval(trigger: Every, clock: Clock) -> str:
    anchor = trigger.anchor
    time = cron_descriptor.clock_time(anchor.hour, anchor.minute, anchor.second, catalogue=_CATALOGUE, clock=clock)
    return f"{_every_seconds(trigger.seconds)}, counted from {anchor.date().isoformat()} {time} UTC"


def _every_seconds(seconds: int) -> str:
    units: tuple[tuple[int, cron_descriptor.Unit], ...] = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
    for size, unit in units:
        if seconds % size == 0:
            return cron_descriptor.every(seconds // size, unit, catalogue=_CATALOGUE)
    return cron_descriptor.every(seconds, "second", catalogue=_CATALOGUE)


def _time(clause: Times | EvenTimes | Grid, clock: Clock) -> str:
    match clause:
        case Times(minutes):
            return f"at {_listed((_clock_time(minute, clock) for minute in minutes), 'and')}"
        case EvenTimes(step, first, last):
            between = f"from {_clock_time(first, clock)} through {_clock_time(last, clock)}"
            return f"{_every_minutes(step)} {between}"
        case Grid(minutes, hours):
            return _grid(minutes, hours, clock)


def _grid(minutes: tuple[int, ...], hours: tuple[int, ...], clock: Clock) -> str:
    step = 1 if minutes == ALL_MINUTES else step_of_hour(minutes)
    if hours == ALL_HOURS:
        return _every_minutes(step) if step else f"at {_numbered('minute', minutes)} of every hour"
    at = _every_minutes(step) if step else f"at {_numbered('minute', minutes)}"
    return f"{at} of the {_numbered('hour', hours, [_hour(hour, clock) for hour in ALL_HOURS])}"


def _every_minutes(step: int) -> str:
    if step % 60 == 0:
        return cron_descriptor.every(step // 60, "hour", catalogue=_CATALOGUE)
    return cron_descriptor.every(step, "minute", catalogue=_CATALOGUE)


@lru_cache(maxsize=4096)
def _clock_time(minute_of_day: int, clock: Clock) -> str:
    hour, minute = divmod(minute_of_day, 60)
    return cron_descriptor.clock_time(hour, minute, catalogue=_CATALOGUE, clock=clock)


def _hour(hour: int, clock: Clock) -> str:
    """An hour as a stretch of sixty minutes: 09, or 09 AM."""
    return _clock_time(hour * 60, clock).replace(":00", "")


def _days(clause: Days) -> str:
    """The day clause with the comma before it, or nothing where there is nothing to say."""
    months = _listed(_ranges(runs(clause.months), ("", *_MONTHS)), "and")
    if not clause.dates and not clause.weekdays:
        if months:
            return f", every day in {months}"
        return ", every day" if clause.spelled_out else ""
    return f", {_restricted_days(clause)}" + (f", only in {months}" if months else "")


def _restricted_days(clause: Days) -> str:
    dates = f"on {_numbered('day', clause.dates)} of the month"
    if not clause.weekdays:
        return dates
    names = _ranges(week_runs(clause.weekdays), _WEEKDAYS)
    if not clause.dates:
        return names[0] if "through" in names[0] and len(names) == 1 else f"on {_listed(names, 'and')}"
    if clause.either:
        return f"{dates} or on {_listed(names, 'and')}"
    return f"{dates}, but only if that day is {_listed(names, 'or')}"


def _numbered(noun: str, values: tuple[int, ...], names: Sequence[str] = _NUMBERS) -> str:
    """Such as `minute 5`, `hours 09 through 11 and 15` or `days 1, 3, 5, ..., 31`."""
    if elided(values):
        series = ", ".join([*(names[value] for value in values[:3]), "...", names[values[-1]]])
    else:
        series = _listed(_ranges(runs(values), names), "and")
    return f"{noun}{'s' if len(values) > 1 else ''} {series}"


def _ranges(ranges: Iterable[tuple[int, int]], names: Sequence[str]) -> list[str]:
    return [names[first] if first == last else f"{names[first]} through {names[last]}" for first, last in ranges]


def _listed(items: Iterable[str], conjunction: Literal["and", "or"]) -> str:
    *before, last = [*items] or [""]
    return f"{', '.join(before)} {conjunction} {last}" if before else last
