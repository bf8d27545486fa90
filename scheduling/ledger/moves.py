"""One move of one task: a conditional UPDATE and its event. And the moves that somebody asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Greatest

from scheduling import actors
from scheduling.events import notifier
from scheduling.ledger.handing_over import UNCLAIMED_AFTER
from scheduling.lifecycle import Status, sources
from scheduling.models import Task, TaskAttempt, TaskEvent
from scheduling.storable import Json

# Why a task is cancelled that nobody has started in time. Whoever ran it all the same may still tell that.
EXPIRED: Final = "it expired before it could start"


# What is set where a task ends that nobody has claimed.
WAITS_FOR_NOTHING: Final = {"send_at": None, "wait_until": None, "waits_for_limit": None}


def cancel(task_id: int, *, reason: str, now: datetime, running: bool = True) -> bool:
    """Cancel a task: it is not started, or the result of its running attempt does not count.

    Returns False when the task has finished already. With `running` False, a RUNNING task is left alone, and the
    answer is False too.
    """
    changes = {"reason": reason, "finished_at": ends(now), **WAITS_FOR_NOTHING}
    with transaction.atomic():
        only = Q() if running else ~Q(status=Status.RUNNING)
        if not move(task_id, Status.CANCELLED, now, reason_detail(reason), changes, only):
            return False
        TaskAttempt.objects.filter(task_id=task_id, ended_at=None).update(status=Status.CANCELLED, ended_at=ends(now))
        return True


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
    changes = {"attempt": task.attempt + tried, **afresh(now)}
    # A RETRYING task may become QUEUED too, but only through its own policy. A person retries only a finished task.
    finished = Q(attempt=task.attempt, finished_at__isnull=False)
    return move(task.pk, Status.QUEUED, now, {"attempt": task.attempt + tried, "retry": True}, changes, finished)


def afresh(now: datetime) -> dict[str, Any]:
    """What a finished task is set to when it is queued again, beside its status and the number of the attempt."""
    return {
        "send_at": now + UNCLAIMED_AFTER, "sends": 0, "started_at": None, "finished_at": None, "result": None,
        "error": "", "reason": "", "progress": None, "cancel_asked_at": None, "expires": None, "waits_for_limit": None,
        "place_until": None,
    }  # fmt: skip


def move(
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


def append(task_id: int, status: Status, now: datetime, detail: Mapping[str, Json]) -> None:
    """Add an event. The caller's UPDATE of the task holds the lock of its row, so nobody else can use this number."""
    number = Task.objects.values_list("events", flat=True).get(pk=task_id)
    actor = actors.current()
    TaskEvent.objects.create(task_id=task_id, number=number, at=now, status=status, detail=detail, actor=actor)
    notifier.announce([task_id])


def ends(now: datetime) -> Any:
    """When a task or an attempt ends that ends `now`: not before it started.

    Its start may have been written by a process whose clock is ahead, or while the caller waited for the database.
    """
    return Greatest(Value(now), Coalesce(F("started_at"), Value(now)))


def reason_detail(reason: str) -> dict[str, Json]:
    """What an event says of a reason; nothing where there is none."""
    return {"reason": reason} if reason else {}
