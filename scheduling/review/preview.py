"""What a change of a schedule would do to its coming occurrences, before anything is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final, Unpack
from zoneinfo import ZoneInfo

from scheduling import queries
from scheduling.backend import backend
from scheduling.drafts import ScheduleFields, draft_of_change
from scheduling.models import Schedule
from scheduling.review.advice import runs_in_a_year, warnings_about
from scheduling.timing import zone
from scheduling.timing.warnings import ReviewWarning
from scheduling.words import DEFAULT, describe

# A year, so that each rare date and each clock change can be seen.
MOST_DAYS: Final = 366
# Before and after the change each. A schedule that is due each second has 31 million occurrences in a year.
MOST_OCCURRENCES: Final = 5_000


@dataclass(frozen=True, slots=True)
class Version:
    """The schedule before or after the change. `entries` is empty when nothing is due."""

    words: str
    timezone: str
    backend: str
    host: str
    reason: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OccurrenceDifference:
    """Coming occurrences (UTC) up to `until`: how many stay, and which appear, vanish or move.

    When as many occurrences vanish from a local date as appear on it, they count as moved: to another hour, or to the
    same wall-clock time in another zone. `until` is earlier than requested when there are too many occurrences.
    """

    until: datetime
    unchanged: int
    appear: tuple[datetime, ...]
    vanish: tuple[datetime, ...]
    moved: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do. `runs_before` and `runs_after` are for a year; `warnings` are about the schedule then."""

    before: Version
    after: Version
    difference: OccurrenceDifference
    runs_before: int
    runs_after: int
    warnings: tuple[ReviewWarning, ...]


def preview(
    schedule_id: int, *, days: int, now: datetime, language: str = DEFAULT, **fields: Unpack[ScheduleFields]
) -> Preview:
    """What `schedules.update` with `fields` would change in the next `days`. For a move, give `backend`.

    Stores and installs nothing. Raises NotFound and InvalidRequest as the update would.
    """
    schedule = queries.schedule(schedule_id)
    draft = draft_of_change(schedule, now=now, **fields)
    difference = compare(
        _coming(schedule, now),
        _coming(draft, now),
        until=now + timedelta(days=days),
        zones=(zone(schedule.timezone), zone(draft.timezone)),
    )
    return Preview(
        _version(schedule, language),
        _version(draft, language),
        difference,
        runs_in_a_year(schedule, now=now),
        runs_in_a_year(draft, now=now),
        tuple(warnings_about(draft, now=now)),
    )


def compare(
    before: list[datetime], after: list[datetime], *, until: datetime, zones: tuple[ZoneInfo, ZoneInfo]
) -> OccurrenceDifference:
    """The difference between two ascending lists of at most MOST_OCCURRENCES; `zones` are those of the schedules."""
    for times in (before, after):
        if len(times) >= MOST_OCCURRENCES:
            until = min(until, times[-1])
    old, new = ({at for at in times if at <= until} for times in (before, after))
    gone, come = _by_date(old - new, zones[0]), _by_date(new - old, zones[1])
    moved = [
        pair
        for day, times in gone.items()
        if len(times) == len(come.get(day, ()))
        for pair in zip(times, come[day], strict=True)
    ]
    left, reached = {pair[0] for pair in moved}, {pair[1] for pair in moved}
    return OccurrenceDifference(
        until=until,
        unchanged=len(old & new),
        appear=tuple(sorted(new - old - reached)),
        vanish=tuple(sorted(old - new - left)),
        moved=tuple(sorted(moved)),
    )


def _by_date(times: Iterable[datetime], local: ZoneInfo) -> dict[date, list[datetime]]:
    found: defaultdict[date, list[datetime]] = defaultdict(list)
    for at in sorted(times):
        found[at.astimezone(local).date()].append(at)
    return found


def _coming(schedule: Schedule, now: datetime) -> list[datetime]:
    following = queries.next_occurrences(schedule, count=MOST_OCCURRENCES)
    return [at for at in islice(following, MOST_OCCURRENCES) if at > now]


def _version(schedule: Schedule, language: str) -> Version:
    entries = backend(schedule.routed_to).entries(schedule) if schedule.next_due_at else []
    return Version(
        words=describe(schedule.trigger, language=language),
        timezone=schedule.timezone,
        backend=schedule.routed_to,
        host=schedule.host,
        reason=schedule.routing_reason,
        entries=tuple(entry.text for entry in entries),
    )
