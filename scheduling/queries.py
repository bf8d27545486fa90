"""The reads of schedules and their occurrences that API and command line call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db.models import OuterRef, Q, QuerySet, Subquery

from scheduling import keys
from scheduling.errors import InvalidRequest, NotFound, Problem
from scheduling.lifecycle import OPEN
from scheduling.models import Host, Schedule, Task
from scheduling.planning import next_due

# One answer's worth: a schedule that is due each second has 86,400 of them a day.
MOST_OCCURRENCES: Final = 1000


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One instant of a schedule. `task` is its row in the ledger; None for an instant that is still to come."""

    due_at: datetime
    task: Task | None


def schedules() -> QuerySet[Schedule]:
    """All schedules, each with the zone of its host: many of them are shown without asking for each one's."""
    zone = Host.objects.filter(name=OuterRef("host")).values("zone")
    return Schedule.objects.annotate(host_zone=Subquery(zone))


def schedule(schedule_id: int) -> Schedule:
    """One schedule; raises NotFound."""
    found = Schedule.objects.filter(pk=schedule_id).first()
    if found is None:
        raise NotFound(f"There is no schedule {schedule_id}.")
    return found


def schedule_by_key(key: str) -> Schedule | None:
    """The schedule that has this key, or None. Any text will do."""
    return Schedule.objects.filter(key=key).first() if keys.is_key(key) else None


def is_key_taken(key: str, *, but: int | None = None) -> bool:
    """Whether a schedule, other than the one with the id `but`, has this key."""
    others = Schedule.objects.filter(key=key)
    return (others if but is None else others.exclude(pk=but)).exists()


def tasks_named(part: str) -> Q:
    """Tasks with `part` in their names: finished ones, which have an index for it, and open ones, which are few."""
    fits = Q(name__icontains=part)
    return fits & Q(finished_at__isnull=False) | fits & Q(status__in=sorted(OPEN))


def next_occurrences(of: Schedule, *, count: int) -> list[datetime]:
    """The next instants (UTC) at which the schedule is due; none while it is paused, or after its end."""
    return list(islice(_coming(of, of.cursor), count))


def occurrences(of: Schedule, *, start: datetime, end: datetime) -> list[Occurrence]:
    """The past and coming occurrences from `start` to `end`, both included, in order; the first MOST_OCCURRENCES.

    Raises InvalidRequest (field `to`) when `end` is before `start`.
    """
    if end < start:
        raise InvalidRequest([Problem("to", "ends_before_start", "Write a time that is not before `from`.")])
    rows = Task.objects.filter(schedule=of, due_at__range=(start, end)).order_by("due_at")
    past = [Occurrence(task.due_at, task) for task in rows[:MOST_OCCURRENCES] if task.due_at is not None]
    coming: list[Occurrence] = []
    after = of.cursor if start <= of.cursor else start - timedelta(microseconds=1)
    for due_at in _coming(of, after):
        if due_at > end or len(past) + len(coming) >= MOST_OCCURRENCES:
            break
        coming.append(Occurrence(due_at, None))
    return past + coming


def _coming(of: Schedule, after: datetime) -> Iterator[datetime]:
    if of.next_due_at is None:
        return
    trigger, limits = of.trigger, of.policy
    first = next_due(trigger, after, limits)
    if first is None:
        return
    yield first
    for due_at in trigger.occurrences(first):
        if limits.ends_at is not None and due_at > limits.ends_at:
            return
        yield due_at
