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
from scheduling.models import AuditEntry, DriftRecord, DriftSchedule, Host, Schedule, Task, TaskAttempt, Workflow
from scheduling.owners import unbound, visible
from scheduling.phrases import phrase
from scheduling.planning import next_due

# One answer's worth: a schedule that is due each second has 86,400 of them a day.
MOST_OCCURRENCES: Final = 1000


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One instant of a schedule. `task` is its row in the ledger; None for an instant that is still to come."""

    due_at: datetime
    task: Task | None


def schedules() -> QuerySet[Schedule]:
    """The schedules that who asks may see, each with the zone of its host, its tags and who created and changed it:
    many of them are shown without asking for each one's.
    """
    zone = Host.objects.filter(name=OuterRef("host")).values("zone")
    rows = Schedule.objects.select_related("tag_set", "created_by", "changed_by")
    return visible(rows.annotate(host_zone=Subquery(zone)))


def tasks() -> QuerySet[Task]:
    """The tasks that who asks may see, with their tags and who created them."""
    return visible(Task.objects.select_related("tag_set", "created_by"))


def workflows() -> QuerySet[Workflow]:
    """The workflows that who asks may see, with their tags and who created them."""
    return visible(Workflow.objects.select_related("tag_set", "created_by"))


def audit_entries() -> QuerySet[AuditEntry]:
    """The audit log, as far as who asks may see it, with who did it."""
    return visible(AuditEntry.objects.select_related("actor"))


def drift_of(schedule: Schedule) -> QuerySet[DriftRecord]:
    """The differences that concern this schedule. Who is bound to an owner sees those that concern nobody else."""
    found = DriftRecord.objects.prefetch_related("concerned").filter(concerned__schedule_id=schedule.pk)
    if unbound():
        return found
    others = DriftSchedule.objects.exclude(schedule_id__in=visible(Schedule.objects).values("pk"))
    return found.exclude(pk__in=others.values("record"))


def schedule(schedule_id: int) -> Schedule:
    """One schedule; raises NotFound, also for one that who asks may not see."""
    found = visible(Schedule.objects.select_related("tag_set")).filter(pk=schedule_id).first()
    if found is None:
        raise NotFound(phrase("There is no schedule {id}.", id=schedule_id))
    return found


def task(task_id: int) -> Task:
    """One task, with its workflow; raises NotFound as `schedule` does."""
    found = tasks().select_related("workflow").filter(pk=task_id).first()
    if found is None:
        raise NotFound(phrase("There is no task {id}.", id=task_id))
    return found


def workflow(workflow_id: int) -> Workflow:
    """One workflow; raises NotFound as `schedule` does."""
    found = workflows().filter(pk=workflow_id).first()
    if found is None:
        raise NotFound(phrase("There is no workflow {id}.", id=workflow_id))
    return found


def schedule_by_key(key: str, *, owner: int | None = None) -> Schedule | None:
    """The schedule of this owner that has this key, or None. Any text will do."""
    if not keys.is_key(key):
        return None
    return visible(Schedule.objects.select_related("tag_set")).filter(key=key, owner=owner).first()


def is_key_taken(key: str, *, owner: int | None = None, but: int | None = None) -> bool:
    """Whether a schedule of this owner, other than the one with the id `but`, has this key."""
    others = Schedule.objects.filter(key=key, owner=owner)
    return (others if but is None else others.exclude(pk=but)).exists()


def tasks_named(part: str) -> Q:
    """Tasks with `part` in their names: finished ones, which have an index for it, and open ones, which are few."""
    fits = Q(name__icontains=part)
    return fits & Q(finished_at__isnull=False) | fits & Q(status__in=sorted(OPEN))


def tasks_run_by(worker: str) -> Q:
    """Tasks of which this process ran an attempt."""
    return Q(pk__in=TaskAttempt.objects.filter(worker=worker).values("task"))


def next_occurrences(of: Schedule, *, count: int) -> list[datetime]:
    """The next instants (UTC) at which the schedule is due; none while it is paused, or after its end."""
    return list(islice(_coming(of, of.cursor), count))


def following(of: Schedule) -> Iterator[datetime]:
    """As `next_occurrences`, without an end, each worked out when it is asked for."""
    return _coming(of, of.cursor)


def occurrences(of: Schedule, *, start: datetime, end: datetime) -> list[Occurrence]:
    """The past and coming occurrences from `start` to `end`, both included, in order; the first MOST_OCCURRENCES.

    Raises InvalidRequest (field `to`) when `end` is before `start`.
    """
    if end < start:
        raise InvalidRequest([Problem("to", "ends_before_start", phrase("Write a time that is not before `from`."))])
    rows = visible(Task.objects).filter(schedule=of, due_at__range=(start, end)).order_by("due_at")
    past = [Occurrence(task.due_at, task) for task in rows[:MOST_OCCURRENCES] if task.due_at is not None]
    # One that is to be left out has its row before it is due.
    known = {one.due_at for one in past}
    coming: list[Occurrence] = []
    after = of.cursor if start <= of.cursor else start - timedelta(microseconds=1)
    for due_at in _coming(of, after):
        if due_at > end or len(past) + len(coming) >= MOST_OCCURRENCES:
            break
        if due_at not in known:
            coming.append(Occurrence(due_at, None))
    return sorted(past + coming, key=lambda one: one.due_at)


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
