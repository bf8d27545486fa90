"""How often a trigger fires, and with which gaps: counted from its occurrences, with clock changes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice, pairwise

from scheduling.timing.cron import Cron
from scheduling.timing.every import Every

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
    """Count the runs in the year after `now`. Raises ValueError for a naive `now`.

    This takes half a second for an expression that fires each minute, and no time for an interval.
    """
    if isinstance(trigger, Every):
        seconds = timedelta(seconds=trigger.seconds)
        first = trigger.next(now)
        ahead = 0 if first is None or first > now + YEAR else (now + YEAR - first) // seconds + 1
        return _frequency(ahead, seconds, seconds)
    count, shortest, longest = 0, None, None
    # At least two runs, even if they are far ahead: people want to know the gap of a rare expression.
    within = trigger.occurrences(now, now + YEAR)
    for before, after in pairwise(chain(within, islice(trigger.occurrences(now + YEAR), 2))):
        gap = after - before
        if before > now + YEAR and shortest is not None:
            break
        count += before <= now + YEAR
        shortest = gap if shortest is None else min(shortest, gap)
        longest = gap if longest is None else max(longest, gap)
    return _frequency(count, shortest, longest)


def _frequency(count: int, shortest: timedelta | None, longest: timedelta | None) -> Frequency:
    return Frequency(count, round(count / (YEAR / _DAY), 3), shortest, longest)
