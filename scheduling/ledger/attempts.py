"""The moves of an attempt: from its claim to its end.

The claim and each end are one statement on PostgreSQL (scheduling/ledger/statement.py): they are what every task costs.
The moves that end an attempt return None when the caller no longer owns the attempt: it was cancelled or given up as
lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import F

from scheduling import actors
from scheduling.events import notifier
from scheduling.ledger.moves import append, reason_detail
from scheduling.ledger.statement import moved, stored, task_columns, task_of
from scheduling.ledger.tables import written
from scheduling.lifecycle import Status, sources
from scheduling.models import OnLost, Task, TaskEvent
from scheduling.storable import Json, storable_text

# Of a message its beginning is kept, of a traceback its end: what people read first.
MOST_ERROR_CHARACTERS: Final = 20_000
# A task may kill each process that runs it. It is retried only this often then, even if on_lost is retry.
MOST_LOST: Final = 3


class Ended(NamedTuple):
    """The status of a task whose attempt has ended, and whether a task of its schedule may wait for this end."""

    status: Status
    awaited: bool


def claim_without_limits(
    task_id: int, attempt: int, *, worker: str, now: datetime, process: str, only: str = ""
) -> Task | None:
    """Start the attempt as `scheduling.ledger.claims.claim` does, but look at no limit.

    `only` is a further condition on the task: a part of a WHERE clause.
    """
    values = {
        "id": task_id,
        "attempt": attempt,
        "now": stored(Task, "started_at", now),
        "process": process,
        "worker": worker,
        "detail": stored(TaskEvent, "detail", {"worker": worker, "attempt": attempt}),
        "actor": actors.current_id(),
    }
    row = moved(_claiming(only), (_event(), _beginning()), values)
    if row is None:
        return None
    notifier.announce([task_id])
    return task_of(row)


def complete(task: Task, *, result: Json, now: datetime) -> Ended | None:
    """Record that the job returned."""
    # The task's error is cleared. The error of an earlier attempt stays in the row of that attempt.
    return _end(task, Status.COMPLETED, now, {"result": result}, {"result": result, "error": ""})


def fail(task: Task, *, error: str, traceback: str = "", now: datetime) -> Ended | None:
    """Record that the job raised, or could not be run. The task is FAILED, or CANCELLED if it was asked to stop."""
    error = storable_text(error[:MOST_ERROR_CHARACTERS])
    return _fail(task, Status.FAILED, now, {"error": error}, {"error": error}, traceback)


def schedule_retry(task: Task, *, error: str, traceback: str = "", wait_until: datetime, now: datetime) -> Ended | None:
    """Record a failed attempt; the next follows at `wait_until`. A task that was asked to stop is CANCELLED instead."""
    error = storable_text(error[:MOST_ERROR_CHARACTERS])
    detail: dict[str, Json] = {"error": error, "wait_until": wait_until.isoformat(), "attempt": task.attempt + 1}
    changes = {"error": error, "wait_until": wait_until, "attempt": task.attempt + 1}
    return _fail(task, Status.RETRYING, now, detail, changes, traceback)


def stopped(task: Task, *, reason: str, now: datetime) -> Ended | None:
    """Record that the attempt stopped on request. A later attempt goes on."""
    return _end(task, Status.CANCELLED, now, reason_detail(reason), {"reason": reason, "send_at": None})


def lose(task: Task, *, error: str, now: datetime) -> Ended | None:
    """End an attempt whose process is gone.

    The task's `on_lost` decides between a retry and failure. A task that was asked to stop is CANCELLED.
    """
    if task.on_lost == OnLost.RETRY and task.attempt <= max(MOST_LOST, int(task.retries.get("max", 0))):
        return schedule_retry(task, error=error, wait_until=now, now=now)
    return fail(task, error=error, now=now)


def progress(task: Task, *, done: int, total: int, message: str, now: datetime) -> bool:
    """Record the progress of a running attempt. False when the caller no longer owns the attempt."""
    detail: dict[str, Json] = {"done": done, "total": total, "message": storable_text(message[:500])}
    with transaction.atomic():
        if not _held(task).update(events=F("events") + 1, progress=detail):
            return False
        append(task.pk, Status.RUNNING, now, {"progress": detail})
        return True


def attempt_state(task: Task) -> tuple[bool, bool]:
    """Whether the caller still owns the attempt, and whether the attempt was asked to stop."""
    rows = list(_held(task).values_list("cancel_asked_at", flat=True))
    return bool(rows), bool(rows) and rows[0] is not None


def _held(task: Task) -> Any:
    """The task's row, if the caller still owns the attempt: it is not cancelled and not given up as lost."""
    return Task.objects.filter(pk=task.pk, status=Status.RUNNING, attempt=task.attempt)


def _fail(
    task: Task, to: Status, now: datetime, detail: Mapping[str, Json], changes: Mapping[str, Any], traceback: str
) -> Ended | None:
    """End an attempt that failed. Where the task was asked to stop it is CANCELLED: no other attempt follows."""
    ended = _end(task, to, now, detail, changes, traceback, unless_asked=True)
    if ended is not None:
        return ended
    # Nobody takes the request to stop back: what is read here is still so in the next statement.
    reason = _held(task).filter(cancel_asked_at__isnull=False).values_list("reason", flat=True).first()
    if reason is None:
        return None
    return _end(task, Status.CANCELLED, now, reason_detail(reason), {"error": changes["error"]}, traceback)


def _end(
    task: Task,
    to: Status,
    now: datetime,
    detail: Mapping[str, Json],
    changes: Mapping[str, Any],
    traceback: str = "",
    *,
    unless_asked: bool = False,
) -> Ended | None:
    """End a running attempt. The task ends too, unless another attempt follows."""
    error = changes.get("error", "")
    values = {
        "id": task.pk,
        "held": task.attempt,
        "schedule": task.schedule_id,
        "now": stored(Task, "finished_at", now),
        # Plain texts: psycopg takes longer to look at a member of an enumeration than at all other values.
        "to": to.value,
        "ended": (Status.FAILED if to is Status.RETRYING else to).value,
        "detail": stored(TaskEvent, "detail", detail),
        "actor": actors.current_id(),
        "attempt_error": error,
        "traceback": storable_text(traceback[-MOST_ERROR_CHARACTERS:]),
        **{name: stored(Task, name, value) for name, value in changes.items()},
    }
    row = moved(_ending(to, tuple(changes), unless_asked=unless_asked), (_event(), _closing()), values)
    if row is None:
        return None
    notifier.announce([task.pk])
    return Ended(to, bool(row[-1]))


@cache
def _claiming(only: str) -> str:
    return written(
        """UPDATE {task} SET {task.status} = '{running}', {task.events} = {task.events} + 1,
        {task.started_at} = %(now)s, {task.process} = %(process)s, {task.send_at} = NULL
        WHERE {task.id} = %(id)s AND {task.attempt} = %(attempt)s AND {now_one_of}
        AND {task.cancel_asked_at} IS NULL AND ({task.expires} IS NULL OR {task.expires} > %(now)s)
        AND {task.wait_until} IS NULL {only}
        RETURNING {columns}""",
        running=Status.RUNNING,
        now_one_of=_now_one_of(sources(Status.RUNNING)),
        columns=task_columns(),
        only=only,
    )


@cache
def _ending(to: Status, changed: tuple[str, ...], *, unless_asked: bool) -> str:
    """The UPDATE that ends an attempt and stores the fields `changed`.

    It returns whether a task of the schedule waits for earlier ones, so that whoever ends an attempt need not ask. A
    task that another transaction is just storing is not seen: upkeep releases it (release_waiting).
    """
    changes = [f"{{task.{name}}} = %({name})s" for name in changed]
    if to is not Status.RETRYING:
        changes.append("{task.finished_at} = " + _END)
    return written(
        """UPDATE {task} SET {task.status} = %(to)s, {task.events} = {task.events} + 1, {changes}
        WHERE {task.id} = %(id)s AND {task.attempt} = %(held)s AND {now_one_of} {only}
        RETURNING {task.id}, {task.events}, {task.status}, {awaited} AS awaited""",
        changes=written(", ".join(changes), started_at=written("{task.started_at}")),
        now_one_of=_now_one_of(sources(to)),
        only=written("AND {task.cancel_asked_at} IS NULL" if unless_asked else ""),
        awaited=written(_AWAITED, scheduled=Status.SCHEDULED),
    )


# An end is not before its start, which may have been written by a process whose clock is ahead, or while the caller
# waited for the database.
_END: Final = "CASE WHEN {started_at} > %(now)s THEN {started_at} ELSE %(now)s END"
_AWAITED: Final = """EXISTS (SELECT 1 FROM {task} AS waiting WHERE waiting.{task.schedule} = %(schedule)s
    AND waiting.{task.status} = '{scheduled}' AND waiting.{task.wait_until} IS NULL)"""


@cache
def _event() -> str:
    return written(
        """INSERT INTO {event} ({event.task}, {event.number}, {event.at}, {event.status}, {event.detail},
        {event.actor}) SELECT {task.id}, {task.events}, %(now)s, {task.status}, %(detail)s, %(actor)s FROM moved"""
    )


@cache
def _beginning() -> str:
    return written(
        """INSERT INTO {attempt} ({attempt.task}, {attempt.number}, {attempt.status}, {attempt.executor},
        {attempt.worker}, {attempt.started_at}, {attempt.error}, {attempt.traceback})
        SELECT {task.id}, {task.attempt}, {task.status}, {task.executor}, %(worker)s, %(now)s, '', '' FROM moved"""
    )


@cache
def _closing() -> str:
    return written(
        """UPDATE {attempt} SET {attempt.status} = %(ended)s, {attempt.ended_at} = {end},
        {attempt.error} = %(attempt_error)s, {attempt.traceback} = %(traceback)s
        FROM moved WHERE {attempt.task} = %(id)s AND {attempt.number} = %(held)s""",
        end=_END.format(started_at=written("{attempt}.{attempt.started_at}")),
    )


def _now_one_of(statuses: Iterable[Status]) -> str:
    # The row is found by its id. PostgreSQL would rather walk a partial index on this very status (`IN` alone), which
    # holds few living rows, but every dead one since the last vacuum.
    listed = ", ".join(f"'{status}'" for status in sorted(statuses))
    return written("COALESCE({task.status}, '') IN ({listed})", listed=listed)
