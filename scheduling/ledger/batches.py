"""The moves of many tasks at once, a few statements for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import F

from scheduling import actors
from scheduling.events import notifier
from scheduling.ledger.handing_over import UNCLAIMED_AFTER
from scheduling.ledger.moves import WAITS_FOR_NOTHING, afresh, ends, reason_detail
from scheduling.lifecycle import WAITING, Status
from scheduling.models import Task, TaskAttempt, TaskEvent
from scheduling.storable import Json


def record(tasks: Iterable[Task], now: datetime) -> list[Task]:
    """Store new tasks in bulk, each with its first event. The caller must have opened a transaction."""
    rows, actor = list(tasks), actors.current()
    for task in rows:
        # A member of a workflow that a task starts has the one who asked for that, if any.
        task.created_by = actor or task.created_by
        task.events = 1
        task.created_at = now
    made = Task.objects.bulk_create(rows)
    TaskEvent.objects.bulk_create(
        TaskEvent(
            task=task,
            number=1,
            at=now,
            status=task.status,
            detail=reason_detail(task.reason),
            actor_id=task.created_by_id,
        )
        for task in made
    )
    notifier.announce([task.pk for task in made])
    return made


def queue_waiting(task_ids: list[int], *, now: datetime) -> list[Task]:
    """Queue those of the tasks that are waiting, in bulk. Returns them, not handed over yet. Needs a transaction."""
    rows = list(Task.objects.select_for_update().filter(pk__in=task_ids, status__in=WAITING).order_by("pk"))
    for task in rows:
        task.status = Status.QUEUED
        task.events += 1
        task.send_at, task.sends, task.wait_until, task.reason = now + UNCLAIMED_AFTER, 0, None, ""
    _move_locked(rows, now, {}, send_at=now + UNCLAIMED_AFTER, sends=0, wait_until=None, reason="")
    return rows


def cancel_unclaimed(task_ids: list[int], *, reason: str, now: datetime, skip_locked: bool = False) -> list[int]:
    """Cancel those of the tasks that are not claimed, in bulk. Needs a transaction. Returns their ids.

    With `skip_locked`, tasks that another transaction has locked are left out, so the call never waits for a row.
    """
    unclaimed = Task.objects.filter(pk__in=task_ids, status__in=[*WAITING, Status.QUEUED])
    rows = list(unclaimed.select_for_update(skip_locked=skip_locked).order_by("pk"))
    for task in rows:
        task.status = Status.CANCELLED
        task.events += 1
    _move_locked(rows, now, reason_detail(reason), reason=reason, finished_at=ends(now), **WAITS_FOR_NOTHING)
    return [task.pk for task in rows]


def ask_all_to_stop(task_ids: list[int], *, reason: str, now: datetime) -> None:
    """Ask those of the tasks that run, and were not asked before, to stop, in bulk. Needs a transaction."""
    running = Task.objects.select_for_update().filter(pk__in=task_ids, status=Status.RUNNING, cancel_asked_at=None)
    rows = list(running.order_by("pk"))
    for task in rows:
        task.events += 1
    _move_locked(rows, now, {"cancel_asked": True, "reason": reason}, cancel_asked_at=now, reason=reason)


def retry_all(rows: list[Task], *, now: datetime) -> list[Task]:
    """`moves.retry` for each of these finished tasks, whose rows the caller has locked, in bulk. Needs a transaction.

    Returns them as they are then. The statements are as many as there are different numbers of attempts.
    """
    tried = set(TaskAttempt.objects.filter(task__in=rows, number=F("task__attempt")).values_list("task_id", flat=True))
    groups: dict[int, list[Task]] = defaultdict(list)
    for task in rows:
        groups[task.attempt + (task.pk in tried)].append(task)
    for attempt, group in groups.items():
        for task in group:
            task.status, task.attempt, task.events = Status.QUEUED, attempt, task.events + 1
            for name, value in afresh(now).items():
                setattr(task, name, value)
        _move_locked(group, now, {"attempt": attempt, "retry": True}, attempt=attempt, **afresh(now))
    return rows


def _move_locked(rows: list[Task], now: datetime, detail: Mapping[str, Json], **changes: Any) -> None:
    """Store the status of each row, `changes` on all rows, and one event for each. The caller has locked the rows."""
    for status in {task.status for task in rows}:
        ids = [task.pk for task in rows if task.status == status]
        Task.objects.filter(pk__in=ids).update(status=status, events=F("events") + 1, **changes)
    actor = actors.current()
    TaskEvent.objects.bulk_create(
        TaskEvent(task=task, number=task.events, at=now, status=task.status, detail=detail, actor=actor)
        for task in rows
    )
    notifier.announce([task.pk for task in rows])
