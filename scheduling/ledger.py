"""The moves of a task from status to status.

Each move is one conditional UPDATE and one event, in one transaction. When two callers try the same move, one of them
makes it, and the call of the other changes nothing.

The moves that end an attempt return the task's status after the move, or None when the caller no longer owns the
attempt: it was cancelled or given up as lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, PositiveSmallIntegerField, Q, Value
from django.db.models.functions import Coalesce, Greatest, Least

from scheduling.events import notifier
from scheduling.lifecycle import WAITING, Status, sources
from scheduling.models import OnLost, Task, TaskAttempt, TaskEvent
from scheduling.storable import Json, storable_text

# Of a message its beginning is kept, of a traceback its end: what people read first.
MOST_ERROR_CHARACTERS: Final = 20_000
# Why a task is cancelled that nobody has started in time. Whoever ran it all the same may still tell that.
EXPIRED: Final = "it expired before it could start"
# Handing over a queued task takes some time after the commit. The task counts as unclaimed only after this time.
HAND_OVER: Final = timedelta(seconds=5)
# A task that was handed over and not claimed is sent again after this pause. Each further pause is twice as long.
SEND_AGAIN: Final = timedelta(minutes=1)
# The pause before a task is sent again doubles at most this many times.
MOST_DOUBLINGS: Final = 6
# `sends` is counted up to here: its column ends at 32,767. The pause has long been at its longest then.
MOST_SENDS: Final = 10_000
# A task may kill each process that runs it. It is retried only this often then, even if on_lost is retry.
MOST_LOST: Final = 3


def record(tasks: Iterable[Task], now: datetime) -> list[Task]:
    """Store new tasks in bulk, each with its first event. The caller must have opened a transaction."""
    rows = list(tasks)
    for task in rows:
        task.events = 1
        task.created_at = now
    made = Task.objects.bulk_create(rows)
    TaskEvent.objects.bulk_create(
        TaskEvent(task=task, number=1, at=now, status=task.status, detail=_reason_detail(task.reason)) for task in made
    )
    notifier.announce([task.pk for task in made])
    return made


def queue_waiting(task_ids: list[int], *, now: datetime) -> list[Task]:
    """Queue those of the tasks that are waiting, in bulk. Returns them, not handed over yet. Needs a transaction."""
    rows = list(Task.objects.select_for_update().filter(pk__in=task_ids, status__in=WAITING).order_by("pk"))
    for task in rows:
        task.status = Status.QUEUED
        task.events += 1
        task.send_at, task.sends, task.wait_until, task.reason = now + HAND_OVER, 0, None, ""
    _move_locked(rows, now, {}, send_at=now + HAND_OVER, sends=0, wait_until=None, reason="")
    return rows


def cancel_unclaimed(task_ids: list[int], *, reason: str, now: datetime, skip_locked: bool = False) -> None:
    """Cancel those of the tasks that are not claimed, in bulk. Needs a transaction.

    With `skip_locked`, tasks that another transaction has locked are left out, so the call never waits for a row.
    """
    unclaimed = Task.objects.filter(pk__in=task_ids, status__in=[*WAITING, Status.QUEUED])
    rows = list(unclaimed.select_for_update(skip_locked=skip_locked).order_by("pk"))
    for task in rows:
        task.status = Status.CANCELLED
        task.events += 1
    _move_locked(
        rows, now, _reason_detail(reason), reason=reason, finished_at=_ends(now), send_at=None, wait_until=None
    )


def claim(task_id: int, attempt: int, *, worker: str, now: datetime, process: str = "") -> Task | None:
    """Start the attempt: QUEUED becomes RUNNING. One caller gets the task; all others get None.

    All callers get None when the task has expired or was asked to stop, or when `attempt` is not its present attempt.
    `process` is the key of the process that runs it.
    """
    changes = {"started_at": now, "process": process, "send_at": None}
    with transaction.atomic():
        detail: dict[str, Json] = {"worker": worker, "attempt": attempt}
        may_start = Q(attempt=attempt, cancel_asked_at=None) & (Q(expires__isnull=True) | Q(expires__gt=now))
        if not _move(task_id, Status.RUNNING, now, detail, changes, may_start):
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


def cancel(task_id: int, *, reason: str, now: datetime, running: bool = True) -> bool:
    """Cancel a task: it is not started, or the result of its running attempt does not count.

    Returns False when the task has finished already. With `running` False, a RUNNING task is left alone, and the
    answer is False too.
    """
    changes = {"reason": reason, "finished_at": _ends(now), "send_at": None, "wait_until": None}
    with transaction.atomic():
        only = Q() if running else ~Q(status=Status.RUNNING)
        if not _move(task_id, Status.CANCELLED, now, _reason_detail(reason), changes, only):
            return False
        TaskAttempt.objects.filter(task_id=task_id, ended_at=None).update(status=Status.CANCELLED, ended_at=_ends(now))
        return True


def stopped(task: Task, *, reason: str, now: datetime) -> Status | None:
    """Record that the attempt stopped on request. A later attempt goes on."""
    return _end(task, Status.CANCELLED, now, _reason_detail(reason), {"reason": reason, "send_at": None})


def lose(task: Task, *, error: str, now: datetime) -> Status | None:
    """End an attempt whose process is gone.

    The task's `on_lost` decides between a retry and failure. A task that was asked to stop is CANCELLED.
    """
    if task.on_lost == OnLost.RETRY and task.attempt <= max(MOST_LOST, int(task.retries.get("max", 0))):
        return schedule_retry(task, error=error, wait_until=now, now=now)
    return fail(task, error=error, now=now)


def ask_to_stop(task_id: int, *, reason: str, now: datetime) -> bool:
    """Ask a running attempt to stop; its process reads the request. False when none runs, or it was asked already."""
    with transaction.atomic():
        running = Task.objects.filter(pk=task_id, status=Status.RUNNING, cancel_asked_at=None)
        if not running.update(events=F("events") + 1, cancel_asked_at=now, reason=reason):
            return False
        append(task_id, Status.RUNNING, now, {"cancel_asked": True, "reason": reason})
        return True


def retry(task: Task, *, now: datetime) -> bool:
    """Queue a finished task for another attempt. False when the task may not be retried, or not any more."""
    tried = TaskAttempt.objects.filter(task=task, number=task.attempt).exists()
    changes: dict[str, Any] = {
        "attempt": task.attempt + tried, "send_at": now + HAND_OVER, "sends": 0, "started_at": None,
        "finished_at": None, "result": None, "error": "", "reason": "", "progress": None, "cancel_asked_at": None,
        "expires": None,
    }  # fmt: skip
    # A RETRYING task may become QUEUED too, but only through its own policy. A person retries only a finished task.
    finished = Q(attempt=task.attempt, finished_at__isnull=False)
    return _move(task.pk, Status.QUEUED, now, {"attempt": task.attempt + tried, "retry": True}, changes, finished)


def progress(task: Task, *, done: int, total: int, message: str, now: datetime) -> bool:
    """Record the progress of a running attempt. False when the caller no longer owns the attempt."""
    detail: dict[str, Json] = {"done": done, "total": total, "message": storable_text(message[:500])}
    with transaction.atomic():
        if not _held(task).update(events=F("events") + 1, progress=detail):
            return False
        append(task.pk, Status.RUNNING, now, {"progress": detail})
        return True


def sent(tasks: Iterable[Task], *, now: datetime) -> None:
    """Record that tasks were handed over, and when to send them again if they are not claimed (`send_again_after`).

    Only the attempt that was handed over counts: it may have failed by now, and the next one may be queued already.
    That one is due at its own time.
    """
    handed_over: dict[tuple[int, int], list[int]] = {}
    for task in tasks:
        handed_over.setdefault((task.attempt, task.sends), []).append(task.pk)
    for (attempt, sends), ids in handed_over.items():
        counted = Least(F("sends"), Value(MOST_SENDS - 1, PositiveSmallIntegerField())) + 1
        unclaimed = Task.objects.filter(pk__in=ids, attempt=attempt, status=Status.QUEUED)
        unclaimed.update(send_at=now + send_again_after(sends), sends=counted)


def send_again_after(sends: int) -> timedelta:
    """The pause before a task is sent again, at most one hour. `sends` counts the sendings before the last one."""
    return min(SEND_AGAIN * (1 << min(sends, MOST_DOUBLINGS)), timedelta(hours=1))


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
        return _end(task, Status.CANCELLED, now, _reason_detail(reason), {"error": changes["error"]}, traceback)


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
    finished_at = None if to is Status.RETRYING else _ends(now)
    ended = Status.FAILED if to is Status.RETRYING else to
    with transaction.atomic():
        held = Q(attempt=task.attempt) & (only or Q())
        if not _move(task.pk, to, now, detail, {**changes, "finished_at": finished_at}, held):
            return None
        TaskAttempt.objects.filter(task=task, number=task.attempt).update(
            status=ended,
            ended_at=_ends(now),
            error=changes.get("error", ""),
            traceback=storable_text(traceback[-MOST_ERROR_CHARACTERS:]),
        )
        return to


def _move(
    task_id: int,
    to: Status,
    now: datetime,
    detail: Mapping[str, Json],
    changes: Mapping[str, Any],
    only: Q | None = None,
) -> bool:
    """Change the status to `to` if the present status allows it, and append the event."""
    with transaction.atomic(savepoint=False):
        movable = Task.objects.filter(only or Q(), pk=task_id, status__in=sources(to))
        if not movable.update(status=to, events=F("events") + 1, **changes):
            return False
        append(task_id, to, now, detail)
        return True


def _move_locked(rows: list[Task], now: datetime, detail: Mapping[str, Json], **changes: Any) -> None:
    """Store the status of each row, `changes` on all rows, and one event for each. The caller has locked the rows."""
    for status in {task.status for task in rows}:
        ids = [task.pk for task in rows if task.status == status]
        Task.objects.filter(pk__in=ids).update(status=status, events=F("events") + 1, **changes)
    TaskEvent.objects.bulk_create(
        TaskEvent(task=task, number=task.events, at=now, status=task.status, detail=detail) for task in rows
    )
    notifier.announce([task.pk for task in rows])


def _ends(now: datetime) -> Any:
    """When a task or an attempt ends that ends `now`: not before it started.

    Its start may have been written by a process whose clock is ahead, or while the caller waited for the database.
    """
    return Greatest(Value(now), Coalesce(F("started_at"), Value(now)))


def append(task_id: int, status: Status, now: datetime, detail: Mapping[str, Json]) -> None:
    """Add an event. The caller's UPDATE of the task holds the lock of its row, so nobody else can use this number."""
    number = Task.objects.values_list("events", flat=True).get(pk=task_id)
    TaskEvent.objects.create(task_id=task_id, number=number, at=now, status=status, detail=detail)
    notifier.announce([task_id])


def _reason_detail(reason: str) -> dict[str, Json]:
    return {"reason": reason} if reason else {}
