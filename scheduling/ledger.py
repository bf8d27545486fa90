"""The moves of a task.

Each is one conditional UPDATE and one event, in one transaction; who comes second changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from scheduling.lifecycle import Status, sources
from scheduling.models import Task, TaskAttempt, TaskEvent
from scheduling.storable import Json, storable_text

MOST_ERROR_CHARACTERS: Final = 20_000


def record(tasks: Iterable[Task], now: datetime) -> list[Task]:
    """Store new tasks with their first event each, in bulk. Must run inside a transaction of the caller's."""
    rows = list(tasks)
    for task in rows:
        task.events = 1
        task.created_at = now
    made = Task.objects.bulk_create(rows)
    TaskEvent.objects.bulk_create(
        TaskEvent(
            task=task,
            number=1,
            at=now,
            status=task.status,
            detail={"reason": task.reason} if task.reason else {},
        )
        for task in made
    )
    return made


def claim(task_id: int, attempt: int, *, worker: str, now: datetime) -> Task | None:
    """Start the attempt: QUEUED becomes RUNNING for exactly one caller, who gets the task; everyone else gets None."""
    with transaction.atomic():
        if not _move(
            task_id, Status.RUNNING, now, {"worker": worker, "attempt": attempt},
            attempt=attempt, started_at=now, heartbeat_at=now, send_at=None,
        ):  # fmt: skip
            return None
        task = Task.objects.get(pk=task_id)
        TaskAttempt.objects.create(
            task=task,
            number=attempt,
            status=Status.RUNNING,
            executor=task.executor,
            worker=worker,
            started_at=now,
        )
        return task


def complete(task: Task, *, result: Json, now: datetime) -> bool:
    """The job returned. False when the attempt is no longer this caller's (cancelled, or given up as lost)."""
    return _finish(task, Status.COMPLETED, now, {"result": result}, result=result)


def fail(task: Task, *, error: str, traceback: str = "", now: datetime) -> bool:
    """The job raised, or could not be run. False when the attempt is no longer this caller's."""
    error = storable_text(error[:MOST_ERROR_CHARACTERS])
    traceback = storable_text(traceback[-MOST_ERROR_CHARACTERS:])
    return _finish(task, Status.FAILED, now, {"error": error}, traceback=traceback, error=error)


def lose(task: Task, *, now: datetime, silent_since: datetime) -> bool:
    """Give up an attempt whose process has not been heard of since; False when it was heard of meanwhile."""
    error = f"The process that ran it has not been heard of since {silent_since:%Y-%m-%d %H:%M:%S} UTC."
    with transaction.atomic():
        if not Task.objects.select_for_update().filter(pk=task.pk, heartbeat_at=silent_since).exists():
            return False
        return _finish(task, Status.FAILED, now, {"error": error, "lost": True}, error=error)


def cancel(task_id: int, *, reason: str, now: datetime) -> bool:
    """Nobody will run it, or its result will not count: False when it was finished already.

    A running job sees it through `context.cancelled`.
    """
    with transaction.atomic():
        if not _move(task_id, Status.CANCELLED, now, {"reason": reason}, reason=reason, finished_at=now, send_at=None):
            return False
        TaskAttempt.objects.filter(task_id=task_id, ended_at=None).update(status=Status.CANCELLED, ended_at=now)
        return True


def queue(task_id: int, *, now: datetime) -> bool:
    """A task that waited may run now: False when it no longer waits."""
    return _move(task_id, Status.QUEUED, now, {}, send_at=now, reason="")


def progress(task: Task, *, done: int, total: int, message: str, now: datetime) -> bool:
    """Record how far a running attempt has come; False when it is no longer this caller's."""
    detail: dict[str, Json] = {"done": done, "total": total, "message": storable_text(message[:500])}
    with transaction.atomic():
        mine = Task.objects.filter(pk=task.pk, status=Status.RUNNING, attempt=task.attempt)
        if not mine.update(events=F("events") + 1, progress=detail, heartbeat_at=now):
            return False
        _append(task.pk, Status.RUNNING, now, {"progress": detail})
        return True


def heartbeat(task: Task, *, now: datetime) -> bool:
    """Say that the attempt is alive; False when it is no longer this caller's."""
    return bool(Task.objects.filter(pk=task.pk, status=Status.RUNNING, attempt=task.attempt).update(heartbeat_at=now))


def sent(tasks: Iterable[Task], *, now: datetime, again_after: timedelta) -> None:
    """Note that tasks were handed over; unless claimed by then they are sent again, each time after twice as long."""
    by_sends: dict[int, list[int]] = {}
    for task in tasks:
        by_sends.setdefault(task.sends, []).append(task.pk)
    for sends, ids in by_sends.items():
        wait = min(again_after * 2 ** min(sends, 6), timedelta(hours=1))
        Task.objects.filter(pk__in=ids, status=Status.QUEUED).update(send_at=now + wait, sends=F("sends") + 1)


def is_held(task: Task) -> bool:
    """Whether the attempt is still this caller's: not cancelled, and not given up as lost."""
    return Task.objects.filter(pk=task.pk, status=Status.RUNNING, attempt=task.attempt).exists()


def _finish(
    task: Task, to: Status, now: datetime, detail: dict[str, Json], *, traceback: str = "", **changes: Any
) -> bool:
    with transaction.atomic():
        if not _move(task.pk, to, now, detail, attempt=task.attempt, finished_at=now, **changes):
            return False
        TaskAttempt.objects.filter(task=task, number=task.attempt).update(
            status=to, ended_at=now, error=changes.get("error", ""), traceback=traceback
        )
        return True


def _move(
    task_id: int,
    to: Status,
    now: datetime,
    detail: dict[str, Json],
    *,
    attempt: int | None = None,
    **changes: Any,
) -> bool:
    """Change the status if it is still one from which `to` is allowed, and append the event."""
    with transaction.atomic(savepoint=False):
        waiting = Task.objects.filter(pk=task_id, status__in=sources(to))
        if attempt is not None:
            waiting = waiting.filter(attempt=attempt)
        if not waiting.update(status=to, events=F("events") + 1, **changes):
            return False
        _append(task_id, to, now, detail)
        return True


def _append(task_id: int, status: Status, now: datetime, detail: dict[str, Json]) -> None:
    # The UPDATE before this holds the row's lock, so the number read here is ours alone.
    number = Task.objects.values_list("events", flat=True).get(pk=task_id)
    TaskEvent.objects.create(task_id=task_id, number=number, at=now, status=status, detail=detail)
