"""Which lines of our block stand for which schedules. Callers read the database; the time is an argument."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from backends.crontab import lines
from backends.crontab.block import MOST_LINES
from backends.crontab.lines import Group
from scheduling.errors import InvalidTrigger
from scheduling.models import Schedule
from scheduling.timing import Trigger, clock_zone
from scheduling.timing.crontab_expressions import crontab_expressions
from scheduling.timing.wake_ups import WakeUps, wake_ups
from scheduling.words import describe

log = logging.getLogger(__name__)

# Lines that do not stay right are worked out again each day. This line wakes us for that where no agent runs. No zone
# changes its clocks at noon, and most machines have less to do then than at midnight.
RENEWAL: Final = "7 12 * * *"
# The one line for all schedules, where their own lines would make the table too long for cron.
EVERY_MINUTE: Final = "* * * * *"
# Lines of the table that are no lines of schedules: two markers, two assignments, perhaps an added line break.
LINES_AROUND: Final = 5


def groups_of(
    schedules: Iterable[Schedule], *, zone_name: str, now: datetime, room: int = MOST_LINES, debian: bool = True
) -> list[Group]:
    """The lines of the schedules for a clock in `zone_name`, in order of the ids, and the line that renews them.

    The clock has the rules of this system's time zone data: cron has them, too. The lines depend on the day (UTC) of
    `now`, not on its time: lines that changed all the time would show as drift. If they are more than `room` with
    their comments, there is one line for all, at each minute. `debian` is that of `crontab_expressions`. A schedule
    whose zone is unknown here gets no line; that is logged. Raises InvalidTrigger if `zone_name` is unknown.
    """
    clock, day = clock_zone(zone_name), now.astimezone(UTC).date()
    sharing = _by_trigger(schedules)
    if len(sharing) > room:
        return [_for_all(sharing)]
    named: dict[tuple[str, ...], tuple[Trigger, list[tuple[int, str]]]] = {}
    renewed: list[tuple[int, str]] = []
    different: set[str] = set()
    for trigger, who in sharing.items():
        found = crontab_expressions(trigger, clock, day=day, debian=debian)
        different.update(found.expressions)
        if len(named) + len(different) > room:
            return [_for_all(sharing)]
        named.setdefault(found.expressions, (trigger, []))[1].extend(who)
        renewed += [] if found.lasting else who
    groups = [Group(expressions, _words(first), _sorted(who)) for expressions, (first, who) in named.items()]
    groups.sort(key=lambda group: group.schedules[0])
    if renewed:
        groups.append(Group((RENEWAL,), "works out again each day what changes with dates", _sorted(renewed)))
    return groups if lines.count(groups) <= room else [_for_all(sharing)]


def wake_ups_of(schedule: Schedule, *, zone_name: str, now: datetime) -> WakeUps:
    """How often the schedule's own lines wake us in the year from the day (UTC) of `now` on, and how often it runs.

    Raises InvalidTrigger for an unknown zone.
    """
    return wake_ups(schedule.trigger, clock_zone(zone_name), day=now.astimezone(UTC).date())


def _by_trigger(schedules: Iterable[Schedule]) -> dict[Trigger, list[tuple[int, str]]]:
    found: dict[Trigger, list[tuple[int, str]]] = {}
    for schedule in schedules:
        try:
            found.setdefault(schedule.trigger, []).append((schedule.pk, schedule.name))
        except InvalidTrigger as exc:
            log.error("schedule %d has no crontab line: %s", schedule.pk, exc.detail)  # noqa: TRY400 - the reason is enough
    return found


def _for_all(sharing: dict[Trigger, list[tuple[int, str]]]) -> Group:
    everyone = _sorted(each for who in sharing.values() for each in who)
    return Group((EVERY_MINUTE,), "every minute, for the schedules have more lines than cron reads", everyone)


def _sorted(who: Iterable[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    return tuple(sorted(who))


@lru_cache(maxsize=16_384)
def _words(trigger: Trigger) -> str:
    return describe(trigger)
