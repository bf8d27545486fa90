"""One cron line that wakes Tandem at each occurrence of a trigger, and perhaps more often, on a clock in any zone.

Beat has one row for each schedule. `crontab_expressions` has several lines, and wakes less.

The ledger decides which of the wake-ups are occurrences. A wake-up too many costs one look. A wake-up too few would
lose a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product, takewhile
from math import gcd

from scheduling.timing.cron import Cron
from scheduling.timing.dst import Stretch, stretch_at
from scheduling.timing.every import Every
from scheduling.timing.field_texts import compact, ranges
from scheduling.timing.fields import Field
from scheduling.timing.grammar import DAY, MONTH, WEEKDAY, FieldKind
from scheduling.timing.instants import LAST_MINUTE, MINUTES_A_DAY, minute_of, since_epoch
from scheduling.timing.zones import Zone

_HORIZON = 3653 * MINUTES_A_DAY
"""Ten years, in minutes."""


@dataclass(frozen=True, slots=True)
class WakeLine:
    """One cron line in the zone of the clock that reads it.

    `minute` and `hour` are sorted values. `day`, `month` and `weekday` are cron text with numbers (Sunday is 0), or `*`
    for any value. The day rule is cron's: if `day` or `weekday` begins with `*`, both must match.
    """

    minute: tuple[int, ...]
    hour: tuple[int, ...]
    day: str
    month: str
    weekday: str


@dataclass(frozen=True, slots=True)
class _Wakes:
    """The times of day of the wake-ups on the clock that reads the line, in minutes.

    `day_shifts`: by how many days the date on this clock may differ from the date in the trigger's zone.
    """

    times: frozenset[int]
    day_shifts: frozenset[int]


def wake_line(trigger: Cron | Every, clock_zone: Zone, *, now: datetime) -> WakeLine:
    """The line that matches each occurrence in the ten years after `now`, on a clock in `clock_zone`.

    An occurrence between whole minutes is matched at the next whole minute. Raises ValueError for a naive `now`.
    """
    start = minute_of(now)
    if isinstance(trigger, Every):
        times = _interval_times(trigger, {stretch.offset for stretch in _stretches(clock_zone, start)})
        return _line(times, "*", "*", "*")
    wakes = _cron_wakes(trigger, clock_zone, start)
    if wakes.day_shifts <= {0}:
        return _line(wakes.times, *_day_texts(trigger))
    return _line(wakes.times, "*", "*", _shifted_weekdays(trigger, wakes.day_shifts))


def _stretches(zone: Zone, start: int) -> Iterator[Stretch]:
    """The stretches from the UTC minute `start` to the horizon."""
    end = min(start + _HORIZON, LAST_MINUTE)
    while start <= end and (stretch := stretch_at(zone, start)) is not None:
        yield stretch
        start = stretch.end


def _cron_wakes(cron: Cron, clock_zone: Zone, start: int) -> _Wakes:
    """What clocks in `clock_zone` show at the occurrences of `cron`, up to the horizon."""
    times: set[int] = set()
    day_shifts: set[int] = set()
    # An expression that is not due within ten years (a 31 May that is a Sunday) still needs a line for cron.
    differences = _differences(cron, clock_zone, start) or _differences(cron, clock_zone, start, firing=False)
    for difference in differences:
        shifted = [time + difference for time in cron.local_times.times]
        times.update(time % MINUTES_A_DAY for time in shifted)
        day_shifts.update(time // MINUTES_A_DAY for time in shifted)
    for late, skipped in _late_runs(cron, start):
        clock = stretch_at(clock_zone, late)
        if clock is not None:
            day, time = divmod(late + clock.offset, MINUTES_A_DAY)
            times.add(time)
            day_shifts.update(day - local // MINUTES_A_DAY for local in skipped)
    return _Wakes(frozenset(times), frozenset(day_shifts))


def _differences(cron: Cron, clock_zone: Zone, start: int, *, firing: bool = True) -> set[int]:
    """By how many minutes `clock_zone` is ahead of the zone of `cron`: whenever `cron` fires, or at any time."""
    found: set[int] = set()
    for own in _stretches(cron.zone, start):
        at = max(own.begin, start)
        while at < own.end and (clock := stretch_at(clock_zone, at)) is not None:
            end = min(own.end, clock.end)
            difference = clock.offset - own.offset
            local = range(at + own.offset, end + own.offset)
            if difference not in found and (not firing or cron.local_times.any_in(local)):
                found.add(difference)
            at = end
    return found


def _late_runs(cron: Cron, start: int) -> Iterator[tuple[int, list[int]]]:
    """The UTC minutes at which cron catches up a gap, each with the skipped local minutes that match."""
    for stretch in _stretches(cron.zone, start):
        if stretch.skipped and stretch.begin >= start and (stretch.everyone or not cron.wildcard):
            skipped = list(
                takewhile(stretch.skipped.__contains__, cron.local_times.minutes_from(stretch.skipped.start))
            )
            if skipped:
                yield stretch.begin, skipped


def _interval_times(every: Every, offsets: Iterable[int]) -> set[int]:
    """The times of day of an interval's occurrences, rounded up to minutes, at these offsets from UTC."""
    day = MINUTES_A_DAY * 60
    stride = gcd(every.seconds, day)
    first = since_epoch(every.anchor) // timedelta(seconds=1) % stride
    in_utc = range(MINUTES_A_DAY) if stride <= 60 else {-(-second // 60) for second in range(first, day, stride)}
    return {(time + offset) % MINUTES_A_DAY for time, offset in product(in_utc, offsets)}


def _line(times: Iterable[int], day: str, month: str, weekday: str) -> WakeLine:
    hours, minutes = {time // 60 for time in times}, {time % 60 for time in times}
    return WakeLine(tuple(sorted(minutes)), tuple(sorted(hours)), day, month, weekday)


def _day_texts(cron: Cron) -> tuple[str, str, str]:
    """Day, month and weekday of the line, for a clock with the same date as the trigger's zone."""
    month = compact(MONTH, cron.month.values)
    if _any_day(cron):
        return "*", month, "*"
    if cron.either_day and not replace(cron.local_times, either_day=False).ever():
        # Cron only passes over a 30 February. Celery reads no line that has one.
        return "*", month, compact(WEEKDAY, cron.weekday.values)
    day = _day_text(DAY, cron.day, other_starred=len(cron.weekday.values) == 7)
    return day, month, _day_text(WEEKDAY, cron.weekday, other_starred=day.startswith("*"))


def _any_day(cron: Cron) -> bool:
    full = (len(cron.day.values) == 31, len(cron.weekday.values) == 7)
    return any(full) if cron.either_day else all(full)


def _shifted_weekdays(cron: Cron, day_shifts: Iterable[int]) -> str:
    """The weekdays of the line, for a clock whose date may differ from the trigger's; `*` if dates count too."""
    by_weekday = not cron.either_day and len(cron.day.values) == 31 and len(cron.month.values) == 12
    if not by_weekday:
        return "*"
    return compact(WEEKDAY, sorted({(day + shift) % 7 for day in cron.weekday.values for shift in day_shifts}))


def _day_text(kind: FieldKind, field: Field, *, other_starred: bool) -> str:
    """The values of `field` as text with numbers. The text begins with `*` if the day rule needs that."""
    if not field.starred or len(field.values) == kind.last - kind.low + 1:
        return compact(kind, field.values)
    step = min(int(field.text.partition(",")[0].partition("/")[2]), kind.high)
    rest = [value for value in field.values if value not in range(kind.low, kind.last + 1, step)]
    if not rest:
        return f"*/{step}"
    return ranges(list(field.values)) if other_starred else f"*/{step},{ranges(rest)}"
