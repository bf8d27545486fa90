"""When wake-ups are wanted: a trigger as times of day on the clock of one zone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from math import gcd
from typing import Final

from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.timing.field_texts import compact
from scheduling.timing.grammar import WEEKDAY
from scheduling.timing.instants import MINUTES_A_DAY, instant, since_epoch
from scheduling.timing.local_times import LocalTimes, by_hour
from scheduling.timing.zones import Zone
from scheduling.timing.zones import zone as zone_named

MOST_WASTED: Final = 10
"""Wake-ups for one run of an interval that find nothing. With more than these, the interval gets lines with dates."""
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class WakeTimes:
    """A trigger as times of day on the clock of `zone`.

    `day_fields`: day and weekday as text for a clock whose date is so many days ahead; None if no text says it for
    all months. `due`: which of some UTC minutes need a wake-up. `as_written`: the texts of fields as a person wrote
    them, by the name of the field and its values.
    """

    zone: Zone
    local_times: LocalTimes
    day_fields: Callable[[int], tuple[str, str] | None]
    due: Callable[[range], Iterable[int]]
    as_written: Mapping[tuple[str, tuple[int, ...]], str] = field(default_factory=dict)


def of_cron(cron: Cron) -> WakeTimes:
    """The wake-ups of an expression: its occurrences."""
    written = {(each.name, each.values): each.text for each in (cron.minute, cron.hour, cron.month)}
    return WakeTimes(cron.zone, cron.local_times, partial(_day_fields, cron), partial(_due, cron), written)


def of_interval(every: Every) -> WakeTimes:
    """The wake-ups of an interval: each time of day (UTC) at which it is ever due, rounded up to minutes."""
    stride = gcd(every.seconds, MINUTES_A_DAY * 60)
    first = since_epoch(every.anchor) // timedelta(seconds=1) % stride
    seconds = range(first, MINUTES_A_DAY * 60, stride) if stride > 60 else range(0, MINUTES_A_DAY * 60, 60)
    hours, minutes = by_hour({-(-second // 60) % MINUTES_A_DAY for second in seconds})
    each_day = LocalTimes(hours, minutes, tuple(range(1, 32)), tuple(range(1, 13)), tuple(range(7)), either_day=False)
    return WakeTimes(zone_named("UTC"), each_day, lambda _shift: ("*", "*"), partial(_due, every))


def needs_dates(every: Every) -> bool:
    """Whether lines without dates would waste more than MOST_WASTED wake-ups for one run."""
    return every.seconds > (MOST_WASTED + 1) * max(gcd(every.seconds, MINUTES_A_DAY * 60), 60)


def _due(trigger: Cron | Every, minutes: range) -> Iterable[int]:
    """Those of the UTC minutes that are the first whole minute at or after an occurrence."""
    if not minutes:
        return ()
    found = trigger.occurrences(instant(minutes.start - 1), instant(minutes.stop - 1))
    return (-(-since_epoch(moment) // _MINUTE) for moment in found)


def _day_fields(cron: Cron, shift: int) -> tuple[str, str] | None:
    if not shift:
        return cron.day.text, cron.weekday.text
    if len(cron.month.values) < 12:
        return None
    every_date, every_weekday = len(cron.day.values) == 31, len(cron.weekday.values) == 7
    if (every_date and every_weekday) or (cron.either_day and (every_date or every_weekday)):
        return "*", "*"
    if every_date and not cron.either_day:
        return "*", compact(WEEKDAY, sorted((day + shift) % 7 for day in cron.weekday.values))
    return None
