"""How the latest tasks of schedules ended. For people: nothing is decided by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import OuterRef, Q, Subquery

from scheduling.models import Schedule, Task
from scheduling.owners import visible


@dataclass(frozen=True, slots=True)
class Outcome:
    """One task of a schedule. `lasted` is the time that it ran, `late` how long after `due_at` it started."""

    task_id: int
    status: str
    at: datetime
    lasted: timedelta | None
    late: timedelta | None


def latest(schedules: Iterable[Schedule], *, count: int) -> dict[int, list[Outcome]]:
    """For each schedule id, its newest tasks, oldest first, at most `count`.

    Two statements, however many schedules there are; each reads at most `count` tasks of a schedule.
    """
    ids = [schedule.pk for schedule in schedules]
    found: dict[int, list[Outcome]] = {pk: [] for pk in ids}
    # The oldest task that is wanted of each schedule, found by the index on (schedule, -id).
    own = visible(Task.objects).filter(schedule=OuterRef("pk")).order_by("-pk").values("pk")
    edges = Schedule.objects.filter(pk__in=ids).annotate(edge=Subquery(own[count - 1 : count]))
    wanted = [Q(schedule=pk, pk__gte=edge or 0) for pk, edge in edges.values_list("pk", "edge")]
    if not wanted:
        return found
    rows = visible(Task.objects).filter(reduce(or_, wanted)).order_by("pk")
    for row in rows.values_list("schedule_id", "pk", "status", "created_at", "due_at", "started_at", "finished_at"):
        schedule_id, pk, status, created, due, started, finished = row
        lasted = finished - started if started and finished else None
        late = started - due if started and due else None
        found[schedule_id].append(Outcome(pk, status, due or created, lasted, late))
    return found
