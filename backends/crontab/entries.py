"""From schedules to the lines of our block. The database is read by the callers; the time is an argument."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from functools import lru_cache

from backends.crontab.block import BlockLine
from scheduling.errors import InvalidTrigger
from scheduling.models import Schedule
from scheduling.timing import Trigger, zone
from scheduling.timing.wake_lines import cron_text, has_clock_changes, wake_line
from scheduling.words import describe

log = logging.getLogger(__name__)


def line_of(schedule: Schedule, *, zone_name: str, now: datetime) -> BlockLine:
    """A line that wakes us for it on a clock in `zone_name`. Raises InvalidTrigger for an unknown zone.

    It does not change within a day (UTC), so that nobody sees drift in a horizon that moves with `now`.
    """
    trigger = schedule.trigger
    expression = _expression(trigger, zone_name, now.astimezone(UTC).date())
    return BlockLine(schedule.pk, expression, f"{schedule.name}: {_words(trigger)}")


def lines_of(schedules: Iterable[Schedule], *, zone_name: str, now: datetime) -> list[BlockLine]:
    """The lines of all that can be planned, by id: a schedule whose zone is gone does not keep others out."""
    found = []
    for schedule in schedules:
        try:
            found.append(line_of(schedule, zone_name=zone_name, now=now))
        except InvalidTrigger as exc:
            log.error("schedule %d has no crontab line: %s", schedule.pk, exc.detail)  # noqa: TRY400 - the reason is enough
    return sorted(found, key=lambda line: line.schedule_id)


@lru_cache(maxsize=16_384)
def _expression(trigger: Trigger, zone_name: str, day: date) -> str:
    clock_zone = zone(zone_name)
    now = datetime.combine(day, time(), UTC)
    # Where clocks change, Debian's cron holds back or repeats every line that is not in its wildcard class.
    return cron_text(wake_line(trigger, clock_zone, now=now), wildcard=has_clock_changes(clock_zone, now))


@lru_cache(maxsize=16_384)
def _words(trigger: Trigger) -> str:
    return describe(trigger)
