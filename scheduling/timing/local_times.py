"""Which local times match: the times of day and the days that five fields allow. Time zones are not used here."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, date
from functools import lru_cache
from itertools import takewhile

from scheduling.timing.instants import EPOCH_ORDINAL, MINUTES_A_DAY

_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Of a wall clock.
_MINUTES_AN_HOUR = 60


@dataclass(frozen=True, slots=True)
class LocalTimes:
    """The minutes of a wall clock that match five fields. Minute 0 is 1970-01-01 00:00 on this clock.

    `hours` are those with a match, and `minutes` has those of each of them; weekdays count from Sunday = 0. A day must
    match by number and by weekday; with `either_day`, one of the two is enough.
    """

    hours: tuple[int, ...]
    minutes: tuple[tuple[int, ...], ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either_day: bool

    @property
    def times(self) -> tuple[int, ...]:
        """The minutes of the day (0-1439) that match, ascending."""
        return tuple(self._times(0))

    def ever(self) -> bool:
        """Whether any date matches; 30 February does not. In 400 years, each date falls on every weekday."""
        return self.either_day or any(self.days[0] <= _LONGEST[month - 1] for month in self.months)

    def any_in(self, minutes: range) -> bool:
        """Whether one of these consecutive minutes matches."""
        first = self.first_from(minutes.start)
        return first is not None and first < minutes.stop

    def by_day(self, minutes: range) -> Iterator[tuple[int, tuple[int, ...]]]:
        """For each day on which some of these consecutive minutes match: its first minute, and those minutes after it.

        A day that is there as a whole has the same tuple as each other one.
        """
        whole = self.times
        for day in self._days_from(minutes.start // MINUTES_A_DAY) if minutes else ():
            midnight, times = day * MINUTES_A_DAY, whole
            if midnight >= minutes.stop:
                return
            if midnight < minutes.start or midnight + MINUTES_A_DAY > minutes.stop:
                begin, end = minutes.start - midnight, minutes.stop - midnight
                times = whole[bisect_left(whole, begin) : bisect_left(whole, end)]
            if times:
                yield midnight, times

    def days_in(self, days: range) -> frozenset[int]:
        """Which of these consecutive days match; 1970-01-01 is day 0."""
        return frozenset(takewhile(days.stop.__gt__, self._days_from(days.start)))

    def first_from(self, start: int) -> int | None:
        """The first matching minute from `start` on; None when there is no other up to the year 9999."""
        start_day, minute = divmod(start, MINUTES_A_DAY)
        for day in self._days_from(start_day):
            if day > start_day:
                return day * MINUTES_A_DAY + self.hours[0] * _MINUTES_AN_HOUR + self.minutes[0][0]
            for time in self._times(minute):
                return day * MINUTES_A_DAY + time
        return None

    def minutes_from(self, start: int) -> Iterator[int]:
        """The matching minutes from `start` on, ascending, up to the last of the year 9999."""
        start_day, minute = divmod(start, MINUTES_A_DAY)
        for day in self._days_from(start_day):
            midnight = day * MINUTES_A_DAY
            yield from map(midnight.__add__, self._times(minute if day == start_day else 0))

    def _times(self, start: int) -> Iterator[int]:
        """The matching minutes of a day from `start` on."""
        hour, minute = divmod(start, _MINUTES_AN_HOUR)
        first = bisect_left(self.hours, hour)
        for index in range(first, len(self.hours)):
            begin = self.hours[index] * _MINUTES_AN_HOUR
            minutes = self.minutes[index]
            if begin < start:
                minutes = minutes[bisect_left(minutes, minute) :]
            yield from map(begin.__add__, minutes)

    def _days_from(self, start: int) -> Iterator[int]:
        """The matching days from `start` on; 1970-01-01 is day 0."""
        ordinal = max(start + EPOCH_ORDINAL, 1)
        if ordinal > date.max.toordinal():
            return
        today = date.fromordinal(ordinal)
        months = self.months[bisect_left(self.months, today.month) :]
        for year in range(today.year, MAXYEAR + 1):
            for month in months:
                eve = date(year, month, 1).toordinal() - 1
                # date.toordinal() is 0 modulo 7 on Sundays.
                days = _days_of_month(self.days, self.weekdays, self.either_day, (eve + 1) % 7, _length(year, month))
                for day in days[bisect_left(days, ordinal - eve) :]:
                    yield eve + day - EPOCH_ORDINAL
            months = self.months


def by_hour(times: Iterable[int]) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """These minutes of the day as the hours and the minutes of LocalTimes."""
    hours: defaultdict[int, list[int]] = defaultdict(list)
    for time in sorted(times):
        hours[time // _MINUTES_AN_HOUR].append(time % _MINUTES_AN_HOUR)
    return tuple(hours), tuple(map(tuple, hours.values()))


@lru_cache(maxsize=4096)
def _days_of_month(
    days: tuple[int, ...],
    weekdays: tuple[int, ...],
    either_day: bool,  # noqa: FBT001  positional, because lru_cache keys positional arguments faster
    first_weekday: int,
    length: int,
) -> tuple[int, ...]:
    numbered = days[: bisect_right(days, length)]
    if len(weekdays) == 7 and not either_day:
        return numbered
    named = {day for weekday in weekdays for day in range(1 + (weekday - first_weekday) % 7, length + 1, 7)}
    return tuple(sorted(named.union(numbered) if either_day else named.intersection(numbered)))


def _length(year: int, month: int) -> int:
    if month == 2 and (year % 4 or (year % 100 == 0 and year % 400)):
        return 28
    return _LONGEST[month - 1]
