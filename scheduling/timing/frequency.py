"""How often a trigger fires, and how far apart: counted on its occurrences, so clock changes are in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice, pairwise

from scheduling.timing.cron import Cron
from scheduling.timing.every import Every

YEAR = timedelta(days=365)
"""What "per year" counts: the 365 days after the moment asked about."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Frequency:
    """`per_year` runs in the 365 days ahead, `per_day` of them on average; gaps between one run and the next.

    The gaps are those between all runs of that year, the first after it included; None where there is no second run.
    """

    per_year: int
    per_day: float
    shortest_gap: timedelta | None
    longest_gap: timedelta | None


def frequency(trigger: Cron | Every, *, now: datetime) -> Frequency:
    """Count the year after `now`. Raises ValueError for a naive `now`.

    An expression that fires each minute costs half a second; an interval nothing.
    """
    if isinstance(trigger, Every):
        seconds = timedelta(seconds=trigger.seconds)
        first = trigger.next(now)
        ahead = 0 if first is None or first > now + YEAR else (now + YEAR - first) // seconds + 1
        return _frequency(ahead, seconds, seconds)
    count, shortest, longest = 0, None, None
    # At least two, however far they are: the gap of a rare expression is what one wants to know.
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
