"""How Debian's cron handles clock changes, calculated once for each zone and year.

cron's main loop (cron 3.0pl1-162, `main()` in cron.c) keeps the wall-clock minute up to which fixed-time jobs have run.
Each minute, it compares the wall clock with this minute:

- 1 ahead: normal.
- 2 to 5 ahead: cron runs every minute between, for all jobs.
- 6 to 180 ahead: cron runs every minute between for fixed-time jobs. Wildcard jobs continue with the new time.
- 0 to 179 behind: cron runs only wildcard jobs, until the wall clock has caught up.
- Anything else: cron starts over.

As 1 ahead is normal, these are forward jumps of 1-4 and 5-179 minutes, and backward jumps of up to 180 minutes.
"""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, date
from functools import lru_cache
from typing import NamedTuple

from scheduling.timing.instants import EPOCH_ORDINAL, FIRST_MINUTE, LAST_MINUTE, MINUTES_A_DAY
from scheduling.timing.zones import Zone

# Minutes before a year that are calculated too: a clock change in them may have effects in the year.
_BEFORE_A_YEAR = 2 * MINUTES_A_DAY
# cron: up to so many minutes ahead, every minute between is run for all jobs.
_ALL_MINUTES_UP_TO = 5
# cron: the clock that is farther off than these minutes was set by a person, and nothing is caught up.
_START_OVER_BEYOND = 180
_NO_MINUTES = range(0)


class Stretch(NamedTuple):
    """The UTC minutes from `begin` to `end` (not included), in which wall clocks are `offset` minutes ahead of UTC.

    At `begin`, cron runs the jobs of the wall-clock minutes `skipped`: fixed-time jobs, or all jobs if `everyone`. In a
    `repeated` stretch, cron does not run fixed-time jobs: they have run in these wall-clock minutes already.
    """

    begin: int
    end: int
    offset: int
    repeated: bool = False
    skipped: range = _NO_MINUTES
    everyone: bool = False


def stretch_at(zone: Zone, minute: int) -> Stretch | None:
    """The stretch of this zone that contains the UTC `minute`; None outside the years 1 to 9999."""
    if not FIRST_MINUTE <= minute <= LAST_MINUTE:
        return None
    year = date.fromordinal(minute // MINUTES_A_DAY + EPOCH_ORDINAL).year
    for stretch in stretches(zone, year):
        if minute < stretch.end:
            return stretch
    raise AssertionError("the stretches of a year reach to its end")


@lru_cache(maxsize=8192)
def stretches(zone: Zone, year: int) -> tuple[Stretch, ...]:
    """The stretches of a zone in a year (of UTC), in order, cut at the first and the last minute of the year."""
    begin = _midnight(year)
    end = _midnight(year + 1) if year < MAXYEAR else LAST_MINUTE + 1
    calculated_from = begin - _BEFORE_A_YEAR if year > MINYEAR else begin
    cut = []
    for stretch in _stretches_between(zone, calculated_from, end):
        if stretch.end > begin and stretch.begin < end:
            inside = stretch if stretch.begin >= begin else stretch._replace(begin=begin, skipped=_NO_MINUTES)
            cut.append(inside._replace(end=end) if inside.end > end else inside)
    return tuple(cut)


def first_difference(one: Zone, other: Zone, *, start: int, end: int) -> int | None:
    """The first UTC minute from `start` to `end` at which clocks in the two zones differ; None without one."""
    while start <= end:
        left, right = stretch_at(one, start), stretch_at(other, start)
        if left is None or right is None:
            return None
        if left.offset != right.offset:
            return start
        start = min(left.end, right.end)
    return None


def _midnight(year: int) -> int:
    return (date(year, 1, 1).toordinal() - EPOCH_ORDINAL) * MINUTES_A_DAY


def _stretches_between(zone: Zone, begin: int, end: int) -> list[Stretch]:
    (_, offset), *changes = zone.offsets.between(begin, end)
    reached = begin + offset - 1
    found = [Stretch(begin, end, offset)]
    for at, new_offset in changes:
        reached = max(reached, at + offset - 1)
        # The change may come before a repetition is over: then drop the stretch that should follow the repetition.
        found = [stretch for stretch in found if stretch.begin < at]
        found[-1] = found[-1]._replace(end=at)
        found += _after_change(at, end, new_offset, reached)
        if not found[-1].begin > at:
            reached = at + new_offset - 1
        offset = new_offset
    return found


def _after_change(at: int, end: int, offset: int, reached: int) -> list[Stretch]:
    """The stretches after a change at UTC minute `at`; fixed-time jobs have run up to wall-clock minute `reached`."""
    ahead = at + offset - reached
    if -_START_OVER_BEYOND < ahead <= 0:
        resumed = reached - offset + 1
        return [Stretch(at, resumed, offset, repeated=True), Stretch(resumed, max(end, resumed), offset)]
    if 0 < ahead <= _START_OVER_BEYOND:
        skipped = range(reached + 1, at + offset)
        return [Stretch(at, end, offset, skipped=skipped, everyone=ahead <= _ALL_MINUTES_UP_TO)]
    return [Stretch(at, end, offset)]
