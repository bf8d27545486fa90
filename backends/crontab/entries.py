"""Which line of our block stands for a schedule. Callers read the database; the time is an argument."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from backends.crontab.lines import BlockLine
from scheduling.errors import InvalidTrigger
from scheduling.models import Schedule
from scheduling.timing import Trigger, clock_zone
from scheduling.timing.wake_lines import cron_text, has_clock_changes, wake_line
from scheduling.words import describe

log = logging.getLogger(__name__)


def line_of(schedule: Schedule, *, zone_name: str, now: datetime) -> BlockLine:
    """The line that wakes us for the schedule on a clock in `zone_name`. Raises InvalidTrigger for an unknown zone.

    The clock has the rules of this system's time zone data: cron has them, too.
    The line depends on the day (UTC) of `now`, not on its time: a line that changed all the time would show as drift.
    """
    trigger = schedule.trigger
    expression = _expression(trigger, clock_zone(zone_name), now.astimezone(UTC).date())
    return BlockLine(schedule.pk, expression, f"{schedule.name}: {_words(trigger)}")


def lines_of(schedules: Iterable[Schedule], *, zone_name: str, now: datetime) -> list[BlockLine]:
    """The lines of the schedules, by id. A schedule whose zone is unknown here gets no line; that is logged."""
    found = []
    for schedule in schedules:
        try:
            found.append(line_of(schedule, zone_name=zone_name, now=now))
        except InvalidTrigger as exc:
            log.error("schedule %d has no crontab line: %s", schedule.pk, exc.detail)  # noqa: TRY400 - the reason is enough
    return sorted(found, key=lambda line: line.schedule_id)


@lru_cache(maxsize=16_384)
def _expression(trigger: Trigger, clock: ZoneInfo, day: date) -> str:
    now = datetime.combine(day, time(), UTC)
    # At a clock change, Debian's cron delays or leaves out runs of a line whose minute and hour have no wildcard.
    return cron_text(wake_line(trigger, clock, now=now), wildcard=has_clock_changes(clock, now))


@lru_cache(maxsize=16_384)
def _words(trigger: Trigger) -> str:
    return describe(trigger)
