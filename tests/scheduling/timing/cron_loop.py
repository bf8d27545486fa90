"""Debian cron's main loop, minute by minute, with nothing borrowed from the engine: slow, and plain to read.

After `main()` and `load_entry()` of cron 3.0pl1-162. Jobs take no time here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
INTO_HOUR = tuple(minute * MINUTE for minute in range(60))
NAMES = {
    name: number
    for names in ("sun mon tue wed thu fri sat", "- jan feb mar apr may jun jul aug sep oct nov dec")
    for number, name in enumerate(names.split())
}
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def local_clock(moment: datetime, zone: ZoneInfo) -> datetime:
    """The wall clock as cron sees it: whole minutes, no zone."""
    local = moment.astimezone(zone)
    return datetime(local.year, local.month, local.day, local.hour, local.minute)  # noqa: DTZ001  a wall clock


def local_clocks(start: datetime, minutes: int, zone: ZoneInfo) -> Iterator[datetime]:
    """The wall clock at each of so many minutes from `start` on.

    Where an hour is an hour long on the wall, too, its minutes need no look at the zone: none changes twice in one.
    """
    for passed in range(0, minutes, 60):
        hour = [start + passed * MINUTE + into for into in INTO_HOUR[: minutes - passed]]
        begin, end = local_clock(hour[0], zone), local_clock(hour[-1], zone)
        if end - begin == hour[-1] - hour[0]:
            yield from (begin + into for into in INTO_HOUR[: len(hour)])
        else:
            yield from (local_clock(moment, zone) for moment in hour)


def fires(expression: str, zone: ZoneInfo, start: datetime, minutes: int) -> list[datetime]:
    """The UTC minutes from `start` on in which a daemon started before `start` runs this line."""
    before = local_clock(start - MINUTE, zone)
    return list(_fires(Entry(expression), start, before, local_clocks(start, minutes, zone)))


def _fires(entry: Entry, start: datetime, virtual: datetime, clocks: Iterable[datetime]) -> Iterator[datetime]:
    """As `fires`; `virtual` is the clock of the minute before `start`, and `clocks` are those from `start` on."""
    for index, clock in enumerate(clocks):
        passed = clock - virtual
        # A division of timedeltas is slow, and nearly every minute is the next one.
        ahead = 1 if passed == MINUTE else passed // MINUTE
        if ahead == 1 or ahead > 180 or ahead <= -180:
            missed, virtual = [clock], clock
            hit = entry.matches(clock)
        elif ahead > 0:
            missed = [virtual + step * MINUTE for step in range(1, ahead + 1)]
            virtual = clock
            everyone = ahead <= 5 or not entry.wildcard
            hit = any(map(entry.matches, missed)) if everyone else entry.matches(clock)
        else:
            hit = entry.wildcard and entry.matches(clock)
        if hit:
            yield start + index * MINUTE


def table_fires(expressions: Iterable[str], zone: ZoneInfo, start: datetime, days: int) -> set[datetime]:
    """The UTC minutes in which a daemon started before `start` (00:00 UTC) runs one of these lines, for whole days.

    Where the clock does not change for a day before and after, each minute is the next one, and what matches is run.
    """
    entries = [Entry(expression) for expression in set(expressions)]
    found: set[datetime] = set()
    for day in (start + timedelta(days=number) for number in range(days)):
        # No wall clock is a day or more ahead of UTC, or behind it.
        dates = [day + timedelta(days=near) for near in (-1, 0, 1)]
        of_day = [entry for entry in entries if any(map(entry.on, dates))]
        offsets = {date.astimezone(zone).utcoffset() for date in (*dates, day + timedelta(days=2))}
        if len(offsets) > 1:
            clocks = list(local_clocks(day, 24 * 60, zone)) if of_day else []
            for entry in of_day:
                found.update(_fires(entry, day, local_clock(day - MINUTE, zone), clocks))
        else:
            for entry in of_day:
                found.update(entry.moments_of(day, local_clock(day, zone)))
    return found


def changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """The days of a year (00:00 UTC) before whose end the zone's offset changes."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    return [
        day
        for day in days
        if day.astimezone(zone).utcoffset() != (day + timedelta(days=1)).astimezone(zone).utcoffset()
    ]


class Entry:
    """One line's time fields."""

    def __init__(self, expression: str) -> None:
        texts = expression.split()
        self.fields = [_values(text, *bounds) for text, bounds in zip(texts, BOUNDS, strict=True)]
        self.fields[4] = {number % 7 for number in self.fields[4]}
        self.wildcard = texts[0].startswith("*") or texts[1].startswith("*")
        self.both_days = texts[2].startswith("*") or texts[4].startswith("*")

    def matches(self, clock: datetime) -> bool:
        return clock.minute in self.fields[0] and clock.hour in self.fields[1] and self.on(clock)

    def on(self, day: datetime) -> bool:
        """Whether the line runs at some time of this day."""
        _, _, number, month, weekday = self.fields
        if day.month not in month:
            return False
        by_number, by_name = day.day in number, day.isoweekday() % 7 in weekday
        return (by_number and by_name) if self.both_days else (by_number or by_name)

    def moments_of(self, day: datetime, first: datetime) -> Iterator[datetime]:
        """When this UTC day the wall clock matches, if the clock does not change. `first` is it at 00:00 UTC."""
        offset = first - day.replace(tzinfo=None)
        for date in {first.date(), (first + timedelta(hours=23, minutes=59)).date()}:
            midnight = datetime(date.year, date.month, date.day)  # noqa: DTZ001  a wall clock
            minutes, hours, *_ = self.fields
            if self.on(midnight):
                for into in (timedelta(hours=hour, minutes=minute) for hour in hours for minute in minutes):
                    moment = (midnight + into - offset).replace(tzinfo=UTC)
                    if day <= moment < day + timedelta(days=1):
                        yield moment


def _values(text: str, low: int, high: int) -> set[int]:
    values: set[int] = set()
    for item in text.lower().split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        begin, end = (low, high) if span == "*" else (_number(first), _number(last or first))
        values.update(range(begin, end + 1, int(step or 1)))
    return values


def _number(word: str) -> int:
    return NAMES[word] if word in NAMES else int(word)
