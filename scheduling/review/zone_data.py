"""What another release of the time zone data would move, what the last one moved, and who has which release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final

from scheduling.errors import InvalidTrigger
from scheduling.models import ReplannedSchedule, Schedule
from scheduling.planning import next_due
from scheduling.review.preview import MOST_OCCURRENCES, OccurrenceDifference, compare
from scheduling.timing import Cron
from scheduling.timing.dst import first_difference
from scheduling.timing.instants import instant, minute_of
from scheduling.timing.zones import Zone, ZoneFiles

# Schedules whose occurrences are compared. A release concerns the schedules of a few zones.
MOST_COMPARED: Final = 1_000
# Occurrences that are worked out for one report, by both releases together: about a second's work.
MOST_WORK: Final = 500_000


@dataclass(frozen=True, slots=True)
class MovedOccurrences:
    """A schedule, and how its coming occurrences differ: as they are planned (before), by the other release (after)."""

    schedule: Schedule
    difference: OccurrenceDifference


@dataclass(frozen=True, slots=True)
class Comparison:
    """The schedules that the release `against` would move up to `until`, by id.

    `complete` is False when not all schedules, or not all occurrences of one, were compared.
    """

    against: str
    until: datetime
    moved: tuple[MovedOccurrences, ...]
    complete: bool


def compare_with(files: ZoneFiles, schedules: Iterable[Schedule], *, days: int, now: datetime) -> Comparison:
    """How the occurrences of the schedules in the next `days` differ between our release and that of `files`.

    A zone that `files` does not have is passed over.
    """
    until = now + timedelta(days=days)
    moved: list[MovedOccurrences] = []
    work, complete = 0, True
    for compared, (schedule, cron, other, begin) in enumerate(_concerned(files, schedules, now, until)):
        if compared == MOST_COMPARED or work >= MOST_WORK:
            complete = False
            break
        ours, theirs = (_coming(schedule, by, begin, until) for by in (cron, replace(cron, zone=other)))
        work += len(ours) + len(theirs)
        difference = compare(ours, theirs, until=until, zones=(cron.zone, other))
        complete = complete and difference.until == until
        if difference.moved or difference.appear or difference.vanish:
            moved.append(MovedOccurrences(schedule, difference))
    return Comparison(files.release, until, tuple(moved), complete)


def last_change() -> list[ReplannedSchedule]:
    """What the last change of the release moved, the newest first; at most replanning.MOST_REMEMBERED rows."""
    rows = ReplannedSchedule.objects.select_related("schedule").order_by("-pk")
    newest = rows.first()
    return [] if newest is None else list(rows.filter(tzdata_after=newest.tzdata_after))


def _concerned(
    files: ZoneFiles, schedules: Iterable[Schedule], now: datetime, until: datetime
) -> Iterator[tuple[Schedule, Cron, Zone, datetime]]:
    """The schedules in zones with other rules, each with its expression, its zone there, and an instant before."""
    for schedule in schedules:
        try:
            cron = schedule.trigger
        except InvalidTrigger:
            continue
        if not isinstance(cron, Cron) or schedule.next_due_at is None:
            continue
        other = files.zone(cron.zone.key)
        if other is None:
            continue
        begins = _first_difference(cron.zone, other, minute_of(now), minute_of(until))
        if begins is not None:
            # Before it, both have the same occurrences. So they do not count towards MOST_OCCURRENCES.
            yield schedule, cron, other, max(now, instant(begins) - timedelta(minutes=1))


@lru_cache(maxsize=1024)
def _first_difference(one: Zone, other: Zone, start: int, end: int) -> int | None:
    return first_difference(one, other, start=start, end=end)


def _coming(schedule: Schedule, cron: Cron, after: datetime, until: datetime) -> list[datetime]:
    policy = schedule.policy
    first = next_due(cron, after, policy)
    if first is None or first > until:
        return []
    end = until if policy.ends_at is None else min(until, policy.ends_at)
    return list(islice(cron.occurrences(first - timedelta(minutes=1), end), MOST_OCCURRENCES))
