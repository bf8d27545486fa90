"""Reading the event log: of one task by number, and of all tasks as it grows.

Within a task the numbers are the order. Over all tasks the ids are one, but on PostgreSQL events do not appear in it:
see scheduling/events/horizon.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import F, Max, Q

from scheduling.events.horizon import Horizon
from scheduling.models import TaskEvent

# How far behind the newest id a transaction that is open when reading begins may have taken an id. Transactions of the
# ledger are short and take at most a few hundred.
LOOK_BACK: Final = 5_000
# Events read at once: a reader that is far behind catches up in steps.
BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class News:
    """What appeared, as (event id, task id) with ascending ids, and how far that leads."""

    seen: Sequence[tuple[int, int]]
    reached: Horizon


def head() -> Horizon:
    """The end of the log just now. Costs one query over the newest LOOK_BACK ids."""
    high = TaskEvent.objects.aggregate(high=Max("pk"))["high"] or 0
    if not _out_of_order():
        return Horizon(high)
    low = max(high - LOOK_BACK, 0)
    seen = list(TaskEvent.objects.filter(pk__gt=low, pk__lte=high).order_by("pk").values_list("pk", flat=True))
    reached = Horizon(low).after(seen, next_transaction=0)
    return Horizon(low).after(seen, next_transaction=_next_transaction()) if reached.gaps else reached


def news(since: Horizon) -> News:
    """What has appeared since: at most BATCH events, with those of earlier ids that were missing.

    What one task's events are among them is without gaps and in order, call after call. One query, on PostgreSQL one
    or two more while ids are missing.
    """
    # Asked for first: what had ended by then shows in what is read now, or never.
    oldest_open = _oldest_open() if since.gaps else 0
    appeared = Q(pk__gt=since.high) | Q(pk__in=list(since.gaps)) if since.gaps else Q(pk__gt=since.high)
    seen = list(TaskEvent.objects.filter(appeared).order_by("pk").values_list("pk", "task_id")[:BATCH])
    ids = [event_id for event_id, _ in seen]
    if not _out_of_order():
        return News(seen, Horizon(max([since.high, *ids[-1:]])))
    number = _next_transaction() if any(True for _ in since.missing(ids)) else 0
    # A full batch may have left out some that fill gaps.
    still = since.without_ended(oldest_open) if len(ids) < BATCH else since
    return News(seen, still.after(ids, next_transaction=number))


def events(ids: Iterable[int]) -> list[TaskEvent]:
    """These events, by id; those that retention took meanwhile are left out."""
    return list(TaskEvent.objects.filter(pk__in=list(ids)).order_by("pk"))


def between(after: int, reached: Horizon, *, limit: int) -> list[TaskEvent]:
    """The first `limit` events with an id above `after` that `reached` holds, by id."""
    found = TaskEvent.objects.filter(pk__gt=after, pk__lte=reached.high).exclude(pk__in=list(reached.gaps))
    return list(found.order_by("pk")[:limit])


def last_of(task_id: int) -> TaskEvent | None:
    """The last event of a task, with the task as it is at the same moment in `task`; None: there is no such task."""
    last = TaskEvent.objects.select_related("task").filter(task_id=task_id, number=F("task__events"))
    return last.first()


def of_task(task_id: int, *, after: int, limit: int) -> list[TaskEvent]:
    """The first `limit` events of a task with a number above `after`, in order."""
    return list(TaskEvent.objects.filter(task_id=task_id, number__gt=after).order_by("number")[:limit])


def _out_of_order() -> bool:
    """Whether ids can appear out of order. SQLite has one writer at a time, and a rollback gives its ids back."""
    return connection.vendor == "postgresql"


def _oldest_open() -> int:
    # https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
    return _number("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def _next_transaction() -> int:
    # A number of its own: larger than that of every transaction that has taken an id so far, for each got its number
    # no later than with the row of the task, which it writes before the event.
    return _number("SELECT pg_current_xact_id()::text::bigint")


def _number(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return int(row[0])
