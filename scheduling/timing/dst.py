"""How Debian cron lives through clock changes, worked out once for each zone and year.

cron's main loop (cron 3.0pl1-162, `main()` in cron.c) keeps the wall-clock minute up to which fixed-time
jobs have run, and compares it with the wall clock each minute. 1 ahead is normal. 2 to 5 ahead: every minute
between is run, for all jobs. 6 to 180 ahead: every minute between is run for fixed-time jobs, the rest go on
with the new time. 0 to 179 behind: only wildcard jobs run until the clock has caught up. Anything else: start
over. As 1 ahead is normal, these are forward jumps of 1-4 and 5-179 minutes, and backward jumps of up to 180.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, date
from functools import lru_cache
from zoneinfo import ZoneInfo

from scheduling.timing.instants import EPOCH_ORDINAL, FIRST_MINUTE, LAST_MINUTE, MINUTES_A_DAY, instant

_PROBE = MINUTES_A_DAY
"""Minutes between two looks at a zone's offset. A change undone within this time would go unseen; in
the whole tz database the nearest such pair lies four days apart (Freetown, 1939)."""
# Minutes before a year that are looked at too: what a change there began may go on in it.
_RUN_UP = 2 * MINUTES_A_DAY
# cron: up to so many minutes ahead, every minute between is run for all jobs.
_ALL_MINUTES_UP_TO = 5
# cron: the clock that is farther off than these minutes was set by a person, and nothing is caught up.
_START_OVER_BEYOND = 180
_NOTHING = range(0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """UTC minutes from `begin` up to and without `end` with wall clocks `offset` minutes ahead.

    At `begin`, the wall-clock minutes `skipped` are run late: by fixed-time jobs, or by `everyone`. In a
    stretch that is `repeated` fixed-time jobs stay silent: they have run in these wall-clock minutes already.
    """

    begin: int
    end: int
    offset: int
    repeated: bool = False
    skipped: range = _NOTHING
    everyone: bool = False


def stretch_at(zone: ZoneInfo, minute: int) -> Stretch | None:
    """The stretch of this zone that holds the UTC `minute`; None outside the years 1 to 9999."""
    if not FIRST_MINUTE <= minute <= LAST_MINUTE:
        return None
    year = date.fromordinal(minute // MINUTES_A_DAY + EPOCH_ORDINAL).year
    return next(stretch for stretch in stretches(zone, year) if minute < stretch.end)


@lru_cache(maxsize=8192)
def stretches(zone: ZoneInfo, year: int) -> tuple[Stretch, ...]:
    """The stretches of a zone that make up a year (of UTC), in order, cut at its first and last minute."""
    begin = _midnight(year)
    end = _midnight(year + 1) if year < MAXYEAR else LAST_MINUTE + 1
    run_up = begin - _RUN_UP if year > MINYEAR else begin
    cut = []
    for stretch in _lived_through(zone, run_up, end):
        if stretch.end > begin and stretch.begin < end:
            late = stretch if stretch.begin >= begin else replace(stretch, begin=begin, skipped=_NOTHING)
            cut.append(replace(late, end=min(late.end, end)))
    return tuple(cut)


def offset_at(zone: ZoneInfo, minute: int) -> int:
    """Minutes that wall clocks are ahead of UTC at a UTC minute; the seconds of old local times are floored.

    The first and the last day that datetime can hold borrow the offset of their neighbour: local times
    there may not be representable.
    """
    inside = min(max(minute, FIRST_MINUTE + MINUTES_A_DAY), LAST_MINUTE - MINUTES_A_DAY)
    offset = instant(inside).astimezone(zone).utcoffset()
    if offset is None:
        raise ValueError(f"{zone!r} gives no offset from UTC")
    return (offset.days * 86400 + offset.seconds) // 60


def _midnight(year: int) -> int:
    return (date(year, 1, 1).toordinal() - EPOCH_ORDINAL) * MINUTES_A_DAY


def _lived_through(zone: ZoneInfo, begin: int, end: int) -> list[Stretch]:
    offset = offset_at(zone, begin)
    reached = begin + offset - 1
    lived = [Stretch(begin, end, offset)]
    for at, new_offset in _changes(zone, begin, end):
        reached = max(reached, at + offset - 1)
        # A repetition that the next change cuts short does not come to its end.
        lived = [stretch for stretch in lived if stretch.begin < at]
        lived[-1] = replace(lived[-1], end=at)
        lived += _after_change(at, end, new_offset, reached)
        if not lived[-1].begin > at:
            reached = at + new_offset - 1
        offset = new_offset
    return lived


def _after_change(at: int, end: int, offset: int, reached: int) -> list[Stretch]:
    """What follows a change at UTC minute `at`; fixed-time jobs ran up to wall-clock minute `reached`."""
    ahead = at + offset - reached
    if -_START_OVER_BEYOND < ahead <= 0:
        resumed = reached - offset + 1
        return [Stretch(at, resumed, offset, repeated=True), Stretch(resumed, max(end, resumed), offset)]
    if 0 < ahead <= _START_OVER_BEYOND:
        skipped = range(reached + 1, at + offset)
        return [Stretch(at, end, offset, skipped=skipped, everyone=ahead <= _ALL_MINUTES_UP_TO)]
    return [Stretch(at, end, offset)]


def _changes(zone: ZoneInfo, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The UTC minutes after `begin` and before `end` with a new offset, each with that offset."""
    seen = offset_at(zone, begin)
    looked = begin
    for look in (*range(begin + _PROBE, end - 1, _PROBE), end - 1):
        while offset_at(zone, look) != seen:
            looked, seen = _first_change(zone, looked, look, seen)
            yield looked, seen
        looked = look


def _first_change(zone: ZoneInfo, low: int, high: int, seen: int) -> tuple[int, int]:
    """The first minute after `low` whose offset is not `seen`, and its offset; at `high` it is another."""
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(zone, middle) == seen:
            low = middle
        else:
            high = middle
    return high, offset_at(zone, high)
