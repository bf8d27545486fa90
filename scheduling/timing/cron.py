"""Cron expressions: when Debian's cron would run them, on a host in the time zone of the expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from itertools import takewhile
from operator import ge
from zoneinfo import ZoneInfo

from scheduling.errors import InvalidTrigger
from scheduling.phrases import phrase
from scheduling.timing.dst import stretch_at
from scheduling.timing.expression import split
from scheduling.timing.fields import Field, parse_field
from scheduling.timing.grammar import DAY, HOUR, MINUTE, MONTH, WEEKDAY, excerpt
from scheduling.timing.instants import FIRST_MINUTE, LAST_MINUTE, MINUTES_A_DAY, instant, minute_of
from scheduling.timing.local_times import LocalTimes
from scheduling.timing.zones import Zone
from scheduling.timing.zones import zone as zone_named

_FARTHEST_FROM_UTC = 2 * MINUTES_A_DAY
"""Minutes: more than two offsets of a zone can differ, and more than an offset plus a jump that cron catches up."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression in a time zone, made by `parse`. It is a value: compared and hashed by expression and zone.

    `expression` has five fields with single blanks between them. Names are in lower case, and a macro is replaced.
    """

    expression: str
    zone: Zone
    minute: Field = field(compare=False, repr=False)
    hour: Field = field(compare=False, repr=False)
    day: Field = field(compare=False, repr=False)
    month: Field = field(compare=False, repr=False)
    weekday: Field = field(compare=False, repr=False)
    local_times: LocalTimes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        times = LocalTimes(
            self.hour.values,
            (self.minute.values,) * len(self.hour.values),
            self.day.values,
            self.month.values,
            self.weekday.values,
            self.either_day,
        )
        object.__setattr__(self, "local_times", times)  # the way to fill a field of a frozen dataclass

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        # A zone that was read from a file cannot be pickled. Its name can: whoever reads it has a zone of that name.
        return Cron.parse, (self.expression, self.zone.key)

    @classmethod
    def parse(cls, expression: str, zone: str | ZoneInfo = "UTC") -> Cron:
        """Read an expression. Raises InvalidTrigger for an expression that is not strict cron, or that never fires.

        Debian's cron accepts more, by accident (`1#2`, `22-2`).
        """
        if not isinstance(expression, str):
            kind = type(expression).__name__
            raise InvalidTrigger(phrase("expression: text is needed, not {kind}", kind=kind), field="expression")
        return _parse(expression, zone_named(zone.key if isinstance(zone, ZoneInfo) else zone))

    @property
    def wildcard(self) -> bool:
        """Whether minute or hour begins with `*`: such jobs follow the wall clock at clock changes."""
        return self.minute.starred or self.hour.starred

    @property
    def either_day(self) -> bool:
        """Whether a matching day of the month or weekday is enough: True unless one of the two begins with `*`."""
        return not (self.day.starred or self.weekday.starred)

    def occurrences(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """The instants (aware, UTC) strictly after `after`, up to and including `until`, ascending.

        Without `until`, they end with the year 9999. Raises ValueError at the call for naive datetimes.
        """
        due = self._due(minute_of(after) + 1)
        if until is not None:
            last = minute_of(until)
            due = takewhile(partial(ge, last), due)
        return map(instant, due)

    def next(self, after: datetime) -> datetime | None:
        """The first occurrence strictly after `after`; None when there is no other up to the year 9999."""
        start = max(minute_of(after) + 1, FIRST_MINUTE)
        stretch = stretch_at(self.zone, start)
        # Nearly always: no clock change until then.
        if stretch is not None and not stretch.repeated and not (stretch.skipped and start == stretch.begin):
            local = self.local_times.first_from(start + stretch.offset)
            if local is not None and local < stretch.end + stretch.offset:
                return instant(local - stretch.offset)
        return next(map(instant, self._due(start)), None)

    def fires_at(self, minute: int) -> bool:
        """Whether this UTC minute, counted from 1970, is an occurrence."""
        return next(self._due(minute), None) == minute

    def count(self, after: datetime, until: datetime) -> int:
        """How many occurrences there are strictly after `after`, up to and including `until`, without listing them."""
        return sum(len(minutes) for _, minutes in self.by_day(after, until))

    def by_day(self, after: datetime, until: datetime) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The occurrences strictly after `after`, up to and including `until`, ascending, a day at a time.

        Each is a UTC minute, counted from 1970, and the minutes after it (none below 0) with an occurrence. The clock
        of the zone does not change between them, and days on which nothing is special have the same tuple.
        """
        start, end = max(minute_of(after) + 1, FIRST_MINUTE), minute_of(until) + 1
        while start < end and (stretch := stretch_at(self.zone, start)) is not None:
            stop = min(stretch.end, end)
            if start == stretch.begin and self._late(stretch.skipped, everyone=stretch.everyone):
                yield start, (0,)
                start += 1
            if self.wildcard or not stretch.repeated:
                local = range(start + stretch.offset, stop + stretch.offset)
                for midnight, times in self.local_times.by_day(local):
                    yield midnight - stretch.offset, times
            start = stop

    def _due(self, start: int) -> Iterator[int]:
        """The UTC minutes from `start` on at which this fires."""
        start = max(start, FIRST_MINUTE)
        while (stretch := stretch_at(self.zone, start)) is not None:
            if start == stretch.begin and self._late(stretch.skipped, everyone=stretch.everyone):
                yield start
                start += 1
            silent = stretch.repeated and not self.wildcard
            beyond = LAST_MINUTE + 1 + _FARTHEST_FROM_UTC
            for local in self.local_times.minutes_from(start + stretch.offset):
                due = local - stretch.offset
                if due >= stretch.end:
                    beyond = due
                    break
                if not silent:
                    yield due
                start = due
            if stretch.end - start < _FARTHEST_FROM_UTC:
                start = stretch.end  # a backward jump may show local times before `start` again
            else:
                # Before this minute, no wall clock shows a matching time. The stretches up to it are skipped.
                start = max(stretch.end, beyond - _FARTHEST_FROM_UTC)

    def _late(self, skipped: range, *, everyone: bool) -> bool:
        return bool(skipped) and (everyone or not self.wildcard) and self.local_times.any_in(skipped)


@lru_cache(maxsize=1024)
def _parse(expression: str, zone: Zone) -> Cron:
    texts = split(expression)
    fields = [parse_field(kind, text) for kind, text in zip((MINUTE, HOUR, DAY, MONTH, WEEKDAY), texts, strict=True)]
    minute, hour, day, month, weekday = fields
    cron = Cron(" ".join(part.text for part in fields), zone, minute, hour, day, month, weekday)
    if not cron.local_times.ever():
        raise InvalidTrigger(
            phrase(
                "day-of-month field, '{day}': never comes in month {month}",
                day=excerpt(day.text),
                month=excerpt(month.text),
            ),
            field=day.name,
            text=excerpt(day.text),
        )
    return cron
