"""Reads the event log: the events of one task by their numbers, and new events of all tasks by their ids.

Within a task, events appear in the order of their numbers. Over all tasks, on PostgreSQL, they may appear in another
order than their ids: see scheduling/events/horizon.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import F, Max, Q, QuerySet

from scheduling.caller import Access
from scheduling.events.horizon import Horizon
from scheduling.models import TaskEvent
from scheduling.owners import visible_to

# When reading begins, an open transaction may hold an id this far behind the newest one. Transactions of the ledger are
# short, and usually take at most a few hundred ids.
LOOK_BACK: Final = 5_000
# Events read at once: a reader that is far behind catches up in steps.
BATCH: Final = 1_000
# Ids that one statement looks through for the events of some owners: others may have written all of them.
LOOKED_THROUGH: Final = 20_000


@dataclass(frozen=True, slots=True)
class News:
    """New events as (event id, task id), in ascending order, and the horizon after them."""

    seen: Sequence[tuple[int, int]]
    reached: Horizon


def head() -> Horizon:
    """The present end of the log. On PostgreSQL, this reads the newest LOOK_BACK ids."""
    high = TaskEvent.objects.aggregate(high=Max("pk"))["high"] or 0
    if not _out_of_order():
        return Horizon(high)
    low = max(high - LOOK_BACK, 0)
    seen = list(TaskEvent.objects.filter(pk__gt=low, pk__lte=high).order_by("pk").values_list("pk", flat=True))
    reached = Horizon(low).after(seen, next_transaction=0)
    return Horizon(low).after(seen, next_transaction=_next_transaction()) if reached.gaps else reached


def news(since: Horizon) -> News:
    """The events that appeared after `since`: at most BATCH, including events that fill gaps of `since`.

    From call to call, the events of each task come in order and without gaps. Costs one query; on PostgreSQL one or two
    more while ids are missing.
    """
    # Read first: a transaction that has ended by now shows its events to the query below, or never.
    oldest_open = _oldest_open() if since.gaps else 0
    appeared = Q(pk__gt=since.high) | Q(pk__in=list(since.gaps)) if since.gaps else Q(pk__gt=since.high)
    seen = list(TaskEvent.objects.filter(appeared).order_by("pk").values_list("pk", "task_id")[:BATCH])
    ids = [event_id for event_id, _ in seen]
    if not _out_of_order():
        return News(seen, Horizon(max([since.high, *ids[-1:]])))
    number = _next_transaction() if any(True for _ in since.missing(ids)) else 0
    # A full batch may leave out events that fill gaps. Then all gaps are kept.
    kept = since.without_ended(oldest_open) if len(ids) < BATCH else since
    return News(seen, kept.after(ids, next_transaction=number))


def events(ids: Iterable[int]) -> list[TaskEvent]:
    """The events with these ids, in order of their ids, each with the `owner` of its task and who did it (`_told`).
    Events that retention has deleted are left out.
    """
    found = _told(TaskEvent.objects.filter(pk__in=list(ids))).annotate(owner=F("task__owner"))
    return list(found.order_by("pk"))


def between(after: int, reached: Horizon, *, limit: int, access: Access = None) -> tuple[list[TaskEvent], int]:
    """The first `limit` events with an id above `after` that `reached` includes and `access` lets see, in order of
    their ids; and the id up to which that is so. Where that is below `reached.high`, more may follow.
    """
    end = reached.high if access is None else min(after + LOOKED_THROUGH, reached.high)
    found = TaskEvent.objects.filter(pk__gt=after, pk__lte=end).exclude(pk__in=list(reached.gaps))
    page = list(_told(visible_to(access, found)).order_by("pk")[:limit])
    return page, page[-1].pk if len(page) == limit else end


def last_of(task_id: int, *, access: Access = None) -> TaskEvent | None:
    """The last event of a task, with `task` read by the same query. None when `access` lets see no such task."""
    last = TaskEvent.objects.select_related("task").filter(task_id=task_id, number=F("task__events"))
    return _told(visible_to(access, last)).first()


def of_task(task_id: int, *, after: int, limit: int) -> list[TaskEvent]:
    """The first `limit` events of a task with a number above `after`, in order."""
    found = _told(TaskEvent.objects.filter(task_id=task_id, number__gt=after))
    return list(found.order_by("number")[:limit])


def kind_of_tandem(event: TaskEvent) -> str:
    """Which part of Tandem made an event that has no actor: what woke the task, or the worker that ran it.

    The event must have been read by this module.
    """
    return str(getattr(event, "woken_by", "")) if event.number == 1 else "worker"


def _told(rows: QuerySet[TaskEvent]) -> QuerySet[TaskEvent]:
    """The events with their actors, and with what woke their tasks as `woken_by`. In the same statement."""
    return rows.select_related("actor").annotate(woken_by=F("task__woken_by"))


def _out_of_order() -> bool:
    """Whether events can appear in another order than their ids. SQLite has one writer; a rollback frees its ids."""
    return connection.vendor == "postgresql"


def _oldest_open() -> int:
    # https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
    return _number("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def _next_transaction() -> int:
    # This call gets a new number, larger than that of each transaction that has taken an event id so far: a transaction
    # gets its number at its first write at the latest, and it writes the row of the task before the event.
    return _number("SELECT pg_current_xact_id()::text::bigint")


def _number(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return int(row[0])
