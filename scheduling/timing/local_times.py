"""Which local times match: the times of day and the days that five fields allow. Time zones are not used here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, date
from functools import lru_cache
from itertools import takewhile

from scheduling.timing.instants import EPOCH_ORDINAL, MINUTES_A_DAY

_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class LocalTimes:
    """The minutes of a wall clock that match five fields. Minute 0 is 1970-01-01 00:00 on this clock.

    `times` are minutes of the day; weekdays count from Sunday = 0. A day must match by number and by weekday; with
    `either_day`, one of the two is enough.
    """

    times: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either_day: bool

    def ever(self) -> bool:
        """Whether any date matches; 30 February does not. In 400 years, each date falls on every weekday."""
        return self.either_day or any(self.days[0] <= _LONGEST[month - 1] for month in self.months)

    def any_in(self, minutes: range) -> bool:
        """Whether one of these consecutive minutes matches."""
        return next(self.minutes_from(minutes.start), minutes.stop) < minutes.stop

    def count_in(self, minutes: range) -> int:
        """How many of these consecutive minutes match."""
        if not minutes:
            return 0
        (first, begin), (last, end) = divmod(minutes.start, MINUTES_A_DAY), divmod(minutes.stop, MINUTES_A_DAY)
        days = self.days_in(range(first, last + 1))
        before = bisect_left(self.times, begin) if first in days else 0
        after = len(self.times) - bisect_left(self.times, end) if last in days else 0
        return len(days) * len(self.times) - before - after

    def days_in(self, days: range) -> frozenset[int]:
        """Which of these consecutive days match; 1970-01-01 is day 0."""
        return frozenset(takewhile(lambda day: day < days.stop, self._days_from(days.start)))

    def minutes_from(self, start: int) -> Iterator[int]:
        """The matching minutes from `start` on, ascending, up to the last of the year 9999."""
        start_day, minute = divmod(start, MINUTES_A_DAY)
        for day in self._days_from(start_day):
            midnight = day * MINUTES_A_DAY
            for index in range(bisect_left(self.times, minute) if day == start_day else 0, len(self.times)):
                yield midnight + self.times[index]

    def _days_from(self, start: int) -> Iterator[int]:
        """The matching days from `start` on; 1970-01-01 is day 0."""
        ordinal = max(start + EPOCH_ORDINAL, 1)
        if ordinal > date.max.toordinal():
            return
        today = date.fromordinal(ordinal)
        year, month = today.year, today.month
        while year <= MAXYEAR:
            if month in self.months:
                eve = date(year, month, 1).toordinal() - 1
                # date.toordinal() is 0 modulo 7 on Sundays.
                for day in _days_of_month(
                    self.days, self.weekdays, self.either_day, (eve + 1) % 7, _length(year, month)
                ):
                    if eve + day >= ordinal:
                        yield eve + day - EPOCH_ORDINAL
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)


@lru_cache(maxsize=256)
def times_of_day(hours: tuple[int, ...], minutes: tuple[int, ...]) -> tuple[int, ...]:
    """The minutes of the day (0-1439) at these hours and minutes, ascending."""
    return tuple(60 * hour + minute for hour in hours for minute in minutes)


@lru_cache(maxsize=4096)
def _days_of_month(
    days: tuple[int, ...],
    weekdays: tuple[int, ...],
    either_day: bool,  # noqa: FBT001  positional, because lru_cache keys positional arguments faster
    first_weekday: int,
    length: int,
) -> tuple[int, ...]:
    def matches(day: int) -> bool:
        numbered, named = day in days, (first_weekday + day - 1) % 7 in weekdays
        return numbered or named if either_day else numbered and named

    return tuple(day for day in range(1, length + 1) if matches(day))


def _length(year: int, month: int) -> int:
    if month == 2 and (year % 4 or (year % 100 == 0 and year % 400)):
        return 28
    return _LONGEST[month - 1]
