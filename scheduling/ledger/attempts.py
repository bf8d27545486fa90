"""The moves of an attempt: from its claim to its end.

The moves that end an attempt return the task's status after the move, or None when the caller no longer owns the
attempt: it was cancelled or given up as lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q

from scheduling.ledger.moves import append, ends, move, reason_detail
from scheduling.lifecycle import Status
from scheduling.models import OnLost, Task, TaskAttempt
from scheduling.storable import Json, storable_text

# Of a message its beginning is kept, of a traceback its end: what people read first.
MOST_ERROR_CHARACTERS: Final = 20_000
# A task may kill each process that runs it. It is retried only this often then, even if on_lost is retry.
MOST_LOST: Final = 3


def claim(task_id: int, attempt: int, *, worker: str, now: datetime, process: str = "") -> Task | None:
    """Start the attempt: QUEUED becomes RUNNING. One caller gets the task; all others get None.

    All callers get None when the task has expired or was asked to stop, or when `attempt` is not its present attempt.
    `process` is the key of the process that runs it.
    """
    changes = {"started_at": now, "process": process, "send_at": None}
    with transaction.atomic():
        detail: dict[str, Json] = {"worker": worker, "attempt": attempt}
        may_start = Q(attempt=attempt, cancel_asked_at=None) & (Q(expires__isnull=True) | Q(expires__gt=now))
        if not move(task_id, Status.RUNNING, now, detail, changes, may_start):
            return None
        task = Task.objects.get(pk=task_id)
        TaskAttempt.objects.create(
            task=task, number=attempt, status=task.status, executor=task.executor, worker=worker, started_at=now
        )
        return task


def complete(task: Task, *, result: Json, now: datetime) -> Status | None:
    """Record that the job returned."""
    # The task's error is cleared. The error of an earlier attempt stays in the row of that attempt.
    return _end(task, Status.COMPLETED, now, {"result": result}, {"result": result, "error": ""})


def fail(task: Task, *, error: str, traceback: str = "", now: datetime) -> Status | None:
    """Record that the job raised, or could not be run. The task is FAILED, or CANCELLED if it was asked to stop."""
    error = storable_text(error[:MOST_ERROR_CHARACTERS])
    return _fail(task, Status.FAILED, now, {"error": error}, {"error": error}, traceback)


def schedule_retry(
    task: Task, *, error: str, traceback: str = "", wait_until: datetime, now: datetime
) -> Status | None:
    """Record a failed attempt; the next follows at `wait_until`. A task that was asked to stop is CANCELLED instead."""
    error = storable_text(error[:MOST_ERROR_CHARACTERS])
    detail: dict[str, Json] = {"error": error, "wait_until": wait_until.isoformat(), "attempt": task.attempt + 1}
    changes = {"error": error, "wait_until": wait_until, "attempt": task.attempt + 1}
    return _fail(task, Status.RETRYING, now, detail, changes, traceback)


def stopped(task: Task, *, reason: str, now: datetime) -> Status | None:
    """Record that the attempt stopped on request. A later attempt goes on."""
    return _end(task, Status.CANCELLED, now, reason_detail(reason), {"reason": reason, "send_at": None})


def lose(task: Task, *, error: str, now: datetime) -> Status | None:
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
) -> Status | None:
    """End an attempt that failed. Where the task was asked to stop it is CANCELLED: no other attempt follows."""
    with transaction.atomic():
        ended = _end(task, to, now, detail, changes, traceback, Q(cancel_asked_at=None))
        if ended is not None:
            return ended
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
    only: Q | None = None,
) -> Status | None:
    """End a running attempt. The task ends too, unless another attempt follows."""
    finished_at = None if to is Status.RETRYING else ends(now)
    ended = Status.FAILED if to is Status.RETRYING else to
    with transaction.atomic():
        held = Q(attempt=task.attempt) & (only or Q())
        if not move(task.pk, to, now, detail, {**changes, "finished_at": finished_at}, held):
            return None
        TaskAttempt.objects.filter(task=task, number=task.attempt).update(
            status=ended,
            ended_at=ends(now),
            error=changes.get("error", ""),
            traceback=storable_text(traceback[-MOST_ERROR_CHARACTERS:]),
        )
        return to
