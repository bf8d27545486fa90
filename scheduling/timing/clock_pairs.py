"""How the clock of a host differs from the clock of a trigger's zone, day by day of the host's calendar. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from scheduling.timing.dst import Stretch, stretch_at
from scheduling.timing.instants import EPOCH_ORDINAL, LAST_MINUTE, MINUTES_A_DAY
from scheduling.timing.zones import Zone

# A day of a clock begins up to so many days before or after the same day of UTC.
_DAYS_AROUND = 2


@dataclass(frozen=True, slots=True)
class Span:
    """The UTC minutes from `begin` to `end` (not included), in which neither clock changes.

    `own` is the trigger's clock, `host` the clock of the cron that reads the lines.
    """

    begin: int
    end: int
    own: Stretch
    host: Stretch

    @property
    def difference(self) -> int:
        """By how many minutes the host's clock is ahead of the trigger's."""
        return self.host.offset - self.own.offset

    def on(self, day: int) -> range:
        """The UTC minutes of this span that are on this day of the host's clock."""
        midnight = day * MINUTES_A_DAY - self.host.offset
        return range(max(self.begin, midnight), min(self.end, midnight + MINUTES_A_DAY))


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the host's calendar: its number since 1970-01-01, its number in the month, and the spans in it.

    `difference`: of the clocks, if none of them changes on this day or at its first minute; else None.
    """

    number: int
    in_month: int
    spans: tuple[Span, ...]
    difference: int | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Some whole months of the host's clock. `days` has those of each month (1-12), of all years together.

    `differences`: for each month, the difference of the clocks in all its instances; None if there are several.
    """

    spans: tuple[Span, ...]
    days: dict[int, tuple[Day, ...]]
    differences: dict[int, int | None]

    def own_days(self) -> range:
        """The days of the trigger's calendar that may be on one of these days of the host's."""
        numbers = [day.number for days in self.days.values() for day in days]
        return range(min(numbers) - _DAYS_AROUND, max(numbers) + 1 + _DAYS_AROUND)

    def same_clock(self) -> bool:
        """Whether the two clocks show the same time all along."""
        return all(span.difference == 0 for span in self.spans)


@lru_cache(maxsize=512)
def calendar(own: Zone, host: Zone, first: date, last: date) -> Calendar:
    """The whole months of the host's clock that contain the days from `first` to `last`."""
    begin = _number(first.replace(day=1))
    end = _number(_next_month(last))
    spans = tuple(_spans(own, host, (begin - _DAYS_AROUND) * MINUTES_A_DAY, (end + _DAYS_AROUND) * MINUTES_A_DAY))
    days: dict[int, list[Day]] = {}
    for number in range(begin, end):
        on = date.fromordinal(number + EPOCH_ORDINAL)
        there = tuple(span for span in spans if span.on(number))
        days.setdefault(on.month, []).append(Day(number, on.day, there, _difference_on(number, there)))
    differences = {
        month: _only({span.difference for day in found for span in day.spans}) for month, found in days.items()
    }
    return Calendar(spans, {month: tuple(found) for month, found in days.items()}, differences)


def _difference_on(day: int, spans: tuple[Span, ...]) -> int | None:
    if len(spans) != 1:
        return None
    [span] = spans
    shown = span.on(day)
    return span.difference if len(shown) == MINUTES_A_DAY and shown.start > span.begin else None


def _only(values: set[int]) -> int | None:
    return values.pop() if len(values) == 1 else None


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _number(day: date) -> int:
    return day.toordinal() - EPOCH_ORDINAL


def _spans(own: Zone, host: Zone, start: int, end: int) -> Iterator[Span]:
    end = min(end, LAST_MINUTE + 1)
    open_span: Span | None = None
    while start < end and (here := stretch_at(own, start)) and (there := stretch_at(host, start)):
        until = min(here.end, there.end, end)
        if open_span is not None and _goes_on(open_span, here, there):
            open_span = replace(open_span, end=until)
        else:
            if open_span is not None:
                yield open_span
            open_span = Span(start, until, here, there)
        start = until
    if open_span is not None:
        yield open_span


def _goes_on(span: Span, own: Stretch, host: Stretch) -> bool:
    """Whether nothing changes where these stretches follow: stretches are cut at each year."""
    return not (own.skipped or host.skipped) and all(
        (before.offset, before.repeated) == (after.offset, after.repeated)
        for before, after in ((span.own, own), (span.host, host))
    )
