"""The cron expressions that wake Tandem at each occurrence, for the crontab of a host in any time zone. Pure.

The lines themselves are written by the backend.

If the clock of the host is the clock of the trigger's zone, it is the expression itself: Debian's cron does
what `Cron` says, clock changes included. Otherwise:

- a month in which the difference of the two clocks does not change has the expression, moved by this difference;
- a month in which it changes has dated lines, one for the days with the same times;
- what cron would hold back or leave out at a clock change has a dated line with `*` in its minute or hour. Such a line
  follows the wall clock in every cron, so it wakes us in any case.

These lines are right for 13 months. Whoever installs them works them out again each day: after the 13 months, a
line could be an hour late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, TypeVar

from scheduling.timing.clock_pairs import Calendar, Day, Span, calendar
from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.timing.field_texts import compact, compact_with_steps, fewest_starred, ranges
from scheduling.timing.grammar import HOUR, MINUTE, MONTH
from scheduling.timing.instants import EPOCH_ORDINAL, MINUTES_A_DAY
from scheduling.timing.wake_times import WakeTimes, needs_dates, of_cron, of_interval
from scheduling.timing.zones import Zone

HORIZON: Final = timedelta(days=397)
"""13 months, the longest ones."""
INTERVAL_DAYS: Final = 3
"""An interval that needs dates has lines for the day (UTC) and the next two. A renewal may be missed once."""

_Key = TypeVar("_Key")
# Times of day in minutes, and the text of day and weekday.
_Pattern = tuple[tuple[int, ...], str, str]
# For each month, for each day in it: the times of day, in minutes.
_Dates = defaultdict[int, defaultdict[int, set[int]]]


@dataclass(frozen=True, slots=True)
class CrontabExpressions:
    """The five fields of each line. `lasting`: they stay right; otherwise they are to be worked out again each day."""

    expressions: tuple[str, ...]
    lasting: bool


@lru_cache(maxsize=16_384)
def crontab_expressions(trigger: Cron | Every, host: Zone, *, day: date, debian: bool = True) -> CrontabExpressions:
    """The lines for a crontab whose cron reads them in the zone `host`, worked out on this day (UTC).

    Each occurrence from this day on has a wake-up at its minute; one between whole minutes, at the next. `debian`:
    at clock changes, the cron of the host has the rules of Debian's cron. If it is False, it may have these rules, or
    none at all.
    """
    if isinstance(trigger, Every) and needs_dates(trigger):
        return _interval_lines(of_interval(trigger), host, day)
    wanted = of_cron(trigger) if isinstance(trigger, Cron) else of_interval(trigger)
    months = calendar(wanted.zone, host, day - timedelta(days=1), day + HORIZON)
    if isinstance(trigger, Cron) and months.same_clock() and (debian or len(months.spans) == 1):
        return CrontabExpressions((trigger.expression,), lasting=True)
    found = _patterns(wanted, months)
    lines = _texts(found, wanted)
    late = _held_back(lines, wanted, months.spans)
    everywhere = len(found) == 1 and all(len(months) == 12 for months in found.values())
    return CrontabExpressions((*lines, *late), lasting=everywhere and not late)


def _interval_lines(wanted: WakeTimes, host: Zone, day: date) -> CrontabExpressions:
    months = calendar(wanted.zone, host, day - timedelta(days=1), day + timedelta(days=INTERVAL_DAYS))
    first = (day.toordinal() - EPOCH_ORDINAL) * MINUTES_A_DAY
    last = first + INTERVAL_DAYS * MINUTES_A_DAY
    spans = [Span(max(span.begin, first), min(span.end, last), span.own, span.host) for span in months.spans]
    dates: _Dates = _no_dates()
    for span in spans:
        _note(dates, wanted.due(range(span.begin, span.end)), span)
    found: dict[_Pattern, set[int]] = defaultdict(set)
    for month, days in dates.items():
        for number, times in days.items():
            found[tuple(sorted(times)), str(number), "*"].add(month)
    lines = _texts(found, wanted)
    return CrontabExpressions((*lines, *_held_back(lines, wanted, spans)), lasting=False)


def _patterns(wanted: WakeTimes, months: Calendar) -> dict[_Pattern, set[int]]:
    """The patterns of the lines, each with its months. They match each occurrence, if cron does nothing special."""
    all_day = _same_at_all_times(wanted, months)
    if all_day:
        return {(tuple(sorted(all_day)), "*", "*"): set(months.days)}
    found: dict[_Pattern, set[int]] = defaultdict(set)
    own_days = wanted.local_times.days_in(months.own_days())
    for month, days in sorted(months.days.items()):
        regular: dict[tuple[str, str], frozenset[int]] = {}
        dated: dict[int, frozenset[int]] = {}
        difference = months.differences[month]
        if difference is None:
            _add(dated, ((day.in_month, _times_on(day, wanted, own_days)) for day in days))
        else:
            for shift, times in _moved(wanted.local_times.times, difference).items():
                fields = wanted.day_fields(shift)
                if fields is None:
                    _add(dated, ((day.in_month, times) for day in days if day.number - shift in own_days))
                elif shift or month in wanted.local_times.months:
                    _add(regular, [(fields, times)])
        for pattern in (*_regular(regular), *_dated(dated, {day.in_month for day in days})):
            found[pattern].add(month)
    return found


def _regular(times_of: Mapping[tuple[str, str], frozenset[int]]) -> Iterator[_Pattern]:
    for (day, weekday), times in times_of.items():
        yield tuple(sorted(times)), day, weekday


def _dated(times_on: Mapping[int, frozenset[int]], every_day: set[int]) -> Iterator[_Pattern]:
    days: dict[frozenset[int], list[int]] = defaultdict(list)
    for number, times in sorted(times_on.items()):
        days[times].append(number)
    for times, numbers in days.items():
        yield tuple(sorted(times)), "*" if set(numbers) == every_day else ranges(numbers), "*"


def _same_at_all_times(wanted: WakeTimes, months: Calendar) -> frozenset[int]:
    """The times of day, if they are the same on all days, whatever the difference of the clocks (`*/5 * * * *`)."""
    shown = set()
    for difference in {span.difference for span in months.spans}:
        moved = _moved(wanted.local_times.times, difference)
        if any(wanted.day_fields(shift) != ("*", "*") for shift in moved) or len(wanted.local_times.months) < 12:
            return frozenset()
        shown.add(frozenset().union(*moved.values()))
    return shown.pop() if len(shown) == 1 else frozenset()


def _add(into: dict[_Key, frozenset[int]], found: Iterable[tuple[_Key, frozenset[int]]]) -> None:
    for key, times in found:
        if times:
            into[key] = into[key] | times if key in into else times


def _times_on(day: Day, wanted: WakeTimes, own_days: frozenset[int]) -> frozenset[int]:
    """What the host's clock shows on this day when the trigger is due."""
    if day.difference is None:
        due = ((minute, span) for span in day.spans for minute in wanted.due(span.on(day.number)))
        return frozenset((minute + span.host.offset) % MINUTES_A_DAY for minute, span in due)
    moved = _moved(wanted.local_times.times, day.difference)
    return frozenset().union(*(times for shift, times in moved.items() if day.number - shift in own_days))


@lru_cache(maxsize=4096)
def _moved(times: tuple[int, ...], difference: int) -> dict[int, frozenset[int]]:
    """The times of day on a clock that is ahead by `difference`, by the number of days that its date is ahead."""
    found: dict[int, set[int]] = defaultdict(set)
    for time in times:
        shift, moved = divmod(time + difference, MINUTES_A_DAY)
        found[shift].add(moved)
    return {shift: frozenset(moved) for shift, moved in found.items()}


def _held_back(lines: Iterable[str], wanted: WakeTimes, spans: Iterable[Span]) -> tuple[str, ...]:
    """Dated lines for the occurrences near a clock change at which none of `lines` is sure to be run."""
    dates = _no_dates()
    for span in spans:
        if span.host.repeated:
            window = range(span.begin, span.end)
        elif span.own.skipped:
            window = range(span.begin, span.begin + 1)
        else:
            continue
        _note(dates, (minute for minute in wanted.due(window) if not _surely_run(lines, minute, span)), span)
    return tuple(
        f"{_starred(minutes, hours)} {number} {month} *"
        for month, days in sorted(dates.items())
        for number, times in sorted(days.items())
        for minutes, hours in _rectangles(times)
    )


def _surely_run(lines: Iterable[str], minute: int, span: Span) -> bool:
    """Whether every cron runs one of the lines at this minute: Debian's holds lines without `*` back in some spans."""
    shown = minute + span.host.offset
    parsed = map(Cron.parse, lines)
    return any(
        line.local_times.any_in(range(shown, shown + 1)) for line in parsed if line.wildcard or not span.host.repeated
    )


def _no_dates() -> _Dates:
    return defaultdict(lambda: defaultdict(set))


def _note(dates: _Dates, due: Iterable[int], span: Span) -> None:
    """Add what the host's clock shows at these minutes of the span."""
    for minute in due:
        day, time = divmod(minute + span.host.offset, MINUTES_A_DAY)
        on = date.fromordinal(day + EPOCH_ORDINAL)
        dates[on.month][on.day].add(time)


def _texts(found: Mapping[_Pattern, set[int]], wanted: WakeTimes) -> tuple[str, ...]:
    lines = []
    for (times, day, weekday), months in sorted(found.items(), key=lambda item: (min(item[1]), item[0][1:], item[0])):
        same = tuple(sorted(months)) == wanted.local_times.months
        month = wanted.as_written.get((MONTH.name, tuple(sorted(months))), "") if same else ""
        for minutes, hours in _rectangles(times):
            texts = [
                wanted.as_written.get((kind.name, values)) or compact_with_steps(kind, values)
                for kind, values in ((MINUTE, minutes), (HOUR, hours))
            ]
            lines.append(f"{' '.join(texts)} {day} {month or compact(MONTH, sorted(months))} {weekday}")
    return tuple(lines)


def _rectangles(times: Iterable[int]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The times of day as pairs of minutes and hours that one line can have."""
    minutes_of: dict[int, list[int]] = defaultdict(list)
    for time in sorted(times):
        minutes_of[time // 60].append(time % 60)
    hours_of: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for hour, minutes in minutes_of.items():
        hours_of[tuple(minutes)].append(hour)
    return [(minutes, tuple(hours)) for minutes, hours in hours_of.items()]


def _starred(minutes: tuple[int, ...], hours: tuple[int, ...]) -> str:
    """Minute and hour as text, one of them with `*` or `*/n`: the one that adds fewer wake-ups."""
    minute, minutes_run = fewest_starred(MINUTE, minutes)
    hour, hours_run = fewest_starred(HOUR, hours)
    if minutes_run * len(hours) <= len(minutes) * hours_run:
        return f"{minute} {compact(HOUR, hours)}"
    return f"{compact(MINUTE, minutes)} {hour}"
