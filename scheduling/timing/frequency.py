"""How often a trigger fires, and with which gaps: counted from its occurrences, with clock changes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from operator import sub

from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.timing.instants import minute_of

YEAR = timedelta(days=365)
"""A year here is the 365 days after `now`."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Frequency:
    """`per_year`: the runs in the next 365 days. `per_day`: their average per day. Gaps: from one run to the next.

    The gaps are those between the runs of that year and the first run after it; None when there is no second run.
    """

    per_year: int
    per_day: float
    shortest_gap: timedelta | None
    longest_gap: timedelta | None


def frequency(trigger: Cron | Every, *, now: datetime) -> Frequency:
    """Count the runs in the year after `now`, a day at a time. Raises ValueError for a naive `now`."""
    if isinstance(trigger, Every):
        seconds = timedelta(seconds=trigger.seconds)
        return _frequency(trigger.count(now, now + YEAR), seconds, seconds)
    count, gaps = 0, set[int]()
    last: int | None = None
    seen: tuple[int, ...] = ()
    for begin, minutes in trigger.by_day(now, now + YEAR):
        if minutes is not seen:
            gaps.update(map(sub, minutes[1:], minutes))
            seen = minutes
        if last is not None:
            gaps.add(begin + minutes[0] - last)
        count, last = count + len(minutes), begin + minutes[-1]
    # At least two runs, even if they are far ahead: people want to know the gap of a rare expression.
    following = [minute_of(run) for run in islice(trigger.occurrences(now + YEAR), 2)]
    around = following if last is None else [last, *following[:1]]
    gaps.update(after - before for before, after in pairwise(around))
    shortest, longest = (timedelta(minutes=pick(gaps)) if gaps else None for pick in (min, max))
    return _frequency(count, shortest, longest)


def _frequency(count: int, shortest: timedelta | None, longest: timedelta | None) -> Frequency:
    return Frequency(count, round(count / (YEAR / _DAY), 3), shortest, longest)
