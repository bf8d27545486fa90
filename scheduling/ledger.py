"""The moves of a task.

Each is one conditional UPDATE and one event, in one transaction; who comes second changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q

from scheduling.events import notifier
from scheduling.lifecycle import WAITING, Status, sources
from scheduling.models import OnLost, Task, TaskAttempt, TaskEvent
from scheduling.storable import Json, storable_text

# Of a message its beginning is kept, of a traceback its end: what people read first.
MOST_ERROR_CHARACTERS: Final = 20_000
# Between its commit and its being handed over a task has this long before it counts as unclaimed.
HAND_OVER: Final = timedelta(seconds=5)
# A task that was handed over and not claimed is sent again after this long, then after twice as long, and so on.
SEND_AGAIN: Final = timedelta(minutes=1)
# How often the pause before a task is sent again doubles.
MOST_DOUBLINGS: Final = 6
# A task that takes its process down with it is not tried for ever, whatever on_lost says.
MOST_LOST: Final = 3


def record(tasks: Iterable[Task], now: datetime) -> list[Task]:
    """Store new tasks with their first event each, in bulk. Must run inside a transaction of the caller's."""
    rows = list(tasks)
    for task in rows:
        task.events = 1
        task.created_at = now
    made = Task.objects.bulk_create(rows)
    TaskEvent.objects.bulk_create(
        TaskEvent(task=task, number=1, at=now, status=task.status, detail=_because(task.reason)) for task in made
    )
    notifier.announce([task.pk for task in made])
    return made


def queue_waiting(task_ids: list[int], *, now: datetime) -> list[Task]:
    """Queue those of the tasks that wait, in bulk; returns them, not yet handed over. Needs a transaction."""
    rows = list(Task.objects.select_for_update().filter(pk__in=task_ids, status__in=WAITING).order_by("pk"))
    for task in rows:
        task.status = Status.QUEUED
        task.events += 1
        task.send_at, task.sends, task.wait_until, task.reason = now + HAND_OVER, 0, None, ""
    _move_locked(rows, now, {}, send_at=now + HAND_OVER, sends=0, wait_until=None, reason="")
    return rows


def cancel_unclaimed(task_ids: list[int], *, reason: str, now: datetime, skip_locked: bool = False) -> None:
    """Cancel those of the tasks that nobody has claimed, in bulk; needs a transaction.

    With `skip_locked` those that somebody moves at this moment are left out: it never waits for a row.
    """
    unclaimed = Task.objects.filter(pk__in=task_ids, status__in=[*WAITING, Status.QUEUED])
    rows = list(unclaimed.select_for_update(skip_locked=skip_locked).order_by("pk"))
    for task in rows:
        task.status = Status.CANCELLED
        task.events += 1
    _move_locked(rows, now, _because(reason), reason=reason, finished_at=now, send_at=None, wait_until=None)


def claim(task_id: int, attempt: int, *, worker: str, now: datetime, process: str = "") -> Task | None:
    """Start the attempt: QUEUED becomes RUNNING for exactly one caller, who gets the task; everyone else gets None."""
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


def complete(task: Task, *, result: Json, now: datetime) -> bool:
    """The job returned. False when the attempt is no longer this caller's (cancelled, or given up as lost)."""
    # What an earlier attempt failed of stays with that attempt.
    return _end(task, Status.COMPLETED, now, {"result": result}, {"result": result, "error": ""})


def fail(task: Task, *, error: str, traceback: str = "", now: datetime) -> bool:
    """The job raised, or could not be run. The task is FAILED, or CANCELLED where somebody has asked it to stop.

    False when the attempt is no longer this caller's.
    """
    error = storable_text(error[:MOST_ERROR_CHARACTERS])
    return _fail(task, Status.FAILED, now, {"error": error}, {"error": error}, traceback)


def schedule_retry(task: Task, *, error: str, traceback: str = "", wait_until: datetime, now: datetime) -> bool:
    """The attempt failed and another follows at `wait_until`. Where somebody has asked the task to stop, none follows.

    The task is RETRYING, or else CANCELLED. False when the attempt is no longer this caller's.
    """
    error = storable_text(error[:MOST_ERROR_CHARACTERS])
    detail: dict[str, Json] = {"error": error, "wait_until": wait_until.isoformat(), "attempt": task.attempt + 1}
    changes = {"error": error, "wait_until": wait_until, "attempt": task.attempt + 1}
    return _fail(task, Status.RETRYING, now, detail, changes, traceback)


def cancel(task_id: int, *, reason: str, now: datetime, running: bool = True) -> bool:
    """Nobody will run it, or what it comes to will not count: False when it was finished already.

    With `running` False only a task that nobody has claimed is cancelled.
    """
    changes = {"reason": reason, "finished_at": now, "send_at": None, "wait_until": None}
    with transaction.atomic():
        only = Q() if running else ~Q(status=Status.RUNNING)
        if not _move(task_id, Status.CANCELLED, now, _because(reason), changes, only):
            return False
        TaskAttempt.objects.filter(task_id=task_id, ended_at=None).update(status=Status.CANCELLED, ended_at=now)
        return True


def stopped(task: Task, *, reason: str, now: datetime) -> bool:
    """The attempt ended because it was asked to. False when it is no longer this caller's: a later one goes on."""
    return _end(task, Status.CANCELLED, now, _because(reason), {"reason": reason, "send_at": None})


def lose(task: Task, *, error: str, now: datetime) -> bool:
    """End an attempt whose process is gone, as the task's `on_lost` says; False when it has ended already."""
    if task.on_lost == OnLost.RETRY and task.attempt <= max(MOST_LOST, int(task.retries.get("max", 0))):
        return schedule_retry(task, error=error, wait_until=now, now=now)
    return fail(task, error=error, now=now)


def ask_to_stop(task_id: int, *, reason: str, now: datetime) -> bool:
    """Ask a running attempt to stop: its process sees it. False when none runs, or it was asked already."""
    with transaction.atomic():
        running = Task.objects.filter(pk=task_id, status=Status.RUNNING, cancel_asked_at=None)
        if not running.update(events=F("events") + 1, cancel_asked_at=now, reason=reason):
            return False
        _append(task_id, Status.RUNNING, now, {"cancel_asked": True, "reason": reason})
        return True


def retry(task: Task, *, now: datetime) -> bool:
    """Queue a finished task for another attempt; False when it is not one that may be retried (any more)."""
    tried = TaskAttempt.objects.filter(task=task, number=task.attempt).exists()
    changes: dict[str, Any] = {
        "attempt": task.attempt + tried, "send_at": now + HAND_OVER, "sends": 0, "started_at": None,
        "finished_at": None, "result": None, "error": "", "reason": "", "progress": None, "cancel_asked_at": None,
        "expires": None,
    }  # fmt: skip
    # RETRYING leads to QUEUED as well, by itself: that is not asked for.
    finished = Q(attempt=task.attempt, finished_at__isnull=False)
    return _move(task.pk, Status.QUEUED, now, {"attempt": task.attempt + tried, "retry": True}, changes, finished)


def progress(task: Task, *, done: int, total: int, message: str, now: datetime) -> bool:
    """Record how far a running attempt has come; False when it is no longer this caller's."""
    detail: dict[str, Json] = {"done": done, "total": total, "message": storable_text(message[:500])}
    with transaction.atomic():
        if not _held(task).update(events=F("events") + 1, progress=detail):
            return False
        _append(task.pk, Status.RUNNING, now, {"progress": detail})
        return True


def sent(tasks: Iterable[Task], *, now: datetime) -> None:
    """Note that tasks were handed over; unless claimed by then they are sent again, each time after twice as long."""
    by_sends: dict[int, list[int]] = {}
    for task in tasks:
        by_sends.setdefault(task.sends, []).append(task.pk)
    for sends, ids in by_sends.items():
        wait = send_again_after(sends)
        Task.objects.filter(pk__in=ids, status=Status.QUEUED).update(send_at=now + wait, sends=F("sends") + 1)


def send_again_after(sends: int) -> timedelta:
    """How long a task that had been sent `sends` times before waits to be claimed until it is sent again."""
    return min(SEND_AGAIN * (1 << min(sends, MOST_DOUBLINGS)), timedelta(hours=1))


def standing(task: Task) -> tuple[bool, bool]:
    """Whether the attempt is still this caller's, and whether it was asked to stop."""
    rows = list(_held(task).values_list("cancel_asked_at", flat=True))
    return bool(rows), bool(rows) and rows[0] is not None


def _held(task: Task) -> Any:
    """The row, as long as the attempt is this caller's: not cancelled, and not given up as lost."""
    return Task.objects.filter(pk=task.pk, status=Status.RUNNING, attempt=task.attempt)


def _fail(
    task: Task, to: Status, now: datetime, detail: Mapping[str, Json], changes: Mapping[str, Any], traceback: str
) -> bool:
    """End an attempt that failed. Where the task was asked to stop it is CANCELLED: no other attempt follows."""
    with transaction.atomic():
        if _end(task, to, now, detail, changes, traceback, Q(cancel_asked_at=None)):
            return True
        reason = _held(task).filter(cancel_asked_at__isnull=False).values_list("reason", flat=True).first()
        if reason is None:
            return False
        return _end(task, Status.CANCELLED, now, _because(reason), {"error": changes["error"]}, traceback)


def _end(
    task: Task,
    to: Status,
    now: datetime,
    detail: Mapping[str, Json],
    changes: Mapping[str, Any],
    traceback: str = "",
    only: Q | None = None,
) -> bool:
    """End a running attempt; the task itself has finished too, unless another attempt follows."""
    finished_at = None if to is Status.RETRYING else now
    ended = Status.FAILED if to is Status.RETRYING else to
    with transaction.atomic():
        held = Q(attempt=task.attempt) & (only or Q())
        if not _move(task.pk, to, now, detail, {**changes, "finished_at": finished_at}, held):
            return False
        TaskAttempt.objects.filter(task=task, number=task.attempt).update(
            status=ended,
            ended_at=now,
            error=changes.get("error", ""),
            traceback=storable_text(traceback[-MOST_ERROR_CHARACTERS:]),
        )
        return True


def _move(
    task_id: int,
    to: Status,
    now: datetime,
    detail: Mapping[str, Json],
    changes: Mapping[str, Any],
    only: Q | None = None,
) -> bool:
    """Change the status if it is still one from which `to` is allowed, and append the event."""
    with transaction.atomic(savepoint=False):
        waiting = Task.objects.filter(only or Q(), pk=task_id, status__in=sources(to))
        if not waiting.update(status=to, events=F("events") + 1, **changes):
            return False
        _append(task_id, to, now, detail)
        return True


def _move_locked(rows: list[Task], now: datetime, detail: Mapping[str, Json], **changes: Any) -> None:
    """Store the new status of rows that the caller has locked, the changes that all have in common, and the events."""
    for status in {task.status for task in rows}:
        ids = [task.pk for task in rows if task.status == status]
        Task.objects.filter(pk__in=ids).update(status=status, events=F("events") + 1, **changes)
    TaskEvent.objects.bulk_create(
        TaskEvent(task=task, number=task.events, at=now, status=task.status, detail=detail) for task in rows
    )
    notifier.announce([task.pk for task in rows])


def _append(task_id: int, status: Status, now: datetime, detail: Mapping[str, Json]) -> None:
    # The UPDATE before this holds the row's lock, so the number read here is ours alone.
    number = Task.objects.values_list("events", flat=True).get(pk=task_id)
    TaskEvent.objects.create(task_id=task_id, number=number, at=now, status=status, detail=detail)
    notifier.announce([task_id])


def _because(reason: str) -> dict[str, Json]:
    return {"reason": reason} if reason else {}
