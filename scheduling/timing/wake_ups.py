"""How often the lines of a crontab wake us, and how often for nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from scheduling.timing.cron import Cron
from scheduling.timing.crontab_expressions import INTERVAL_DAYS, crontab_expressions
from scheduling.timing.every import Every
from scheduling.timing.frequency import YEAR
from scheduling.timing.wake_times import needs_dates
from scheduling.timing.zones import Zone

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class WakeUps:
    """In the 365 days from a day on: the `runs` of a trigger, and the wake-ups by its lines."""

    runs: int
    wake_ups: int

    @property
    def wasted(self) -> int:
        """The wake-ups that find nothing due."""
        return max(0, self.wake_ups - self.runs)


@lru_cache(maxsize=16_384)
def wake_ups(trigger: Cron | Every, host: Zone, *, day: date, debian: bool = True) -> WakeUps:
    """Count by the rules of Debian's cron, as if the lines of this day (UTC) stayed for a year.

    The lines of an interval with dates are worked out again each day: these are counted for as long as they reach.
    The daily line that renews the block, one for all schedules, is not counted.
    """
    start = datetime.combine(day, time(), UTC) - _MINUTE
    dated = isinstance(trigger, Every) and needs_dates(trigger)
    end = start + (timedelta(days=INTERVAL_DAYS) if dated else YEAR)
    expressions = crontab_expressions(trigger, host, day=day, debian=debian).expressions
    lines = [replace(Cron.parse(expression), zone=host) for expression in expressions]
    return WakeUps(trigger.count(start, end), sum(line.count(start, end) for line in lines))
