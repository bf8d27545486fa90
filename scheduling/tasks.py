"""The writes that API and command line call for tasks. A refused request changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeAlias, TypedDict, Unpack

from django.conf import settings
from django.db import transaction

from scheduling import audit, delivery, ledger, owners, receipts, tag_sets, validation
from scheduling.errors import Conflict, NotFound, StaleVersion
from scheduling.lifecycle import RETRYABLE, Status
from scheduling.models import Task
from scheduling.storable import Json


class TaskFields(TypedDict, total=False):
    """The fields of a one-off task that a caller may set; see scheduling.models.Task for each."""

    name: str
    description: str
    scheduled_time: datetime | None
    job: str
    parameters: dict[str, Json]
    executor: str
    host: str
    priority: int
    queue: str
    retries: dict[str, Any]
    soft_timeout: int | None
    timeout: int | None
    on_lost: str
    expires: datetime | None
    owner: int | None
    tags: list[str]


# Numbers of its last event for which a write of a task is meant; None for any.
Versions: TypeAlias = "Collection[int] | None"


class AlreadyFinished(Conflict):
    """The task has finished already."""

    code = "already_finished"


class NotRetryable(Conflict):
    """Only a task that failed, was cancelled or was not run can be retried."""

    code = "not_retryable"


def create(*, now: datetime, **fields: Unpack[TaskFields]) -> tuple[Task, str]:
    """Store a task, and hand it over if its time has come. A time in the past means at once.

    Returns the task, and what became of its delivery (`delivery.answer`). Raises InvalidRequest with every problem.
    """
    task, later = _drafted(fields, now)
    with transaction.atomic():
        tag_sets.store([task])
        ledger.record([task], now)
        receipts.leave(task)
    if later and task.due_at is not None:
        return task, delivery.answer(f"its time, {task.due_at.isoformat()}", [task])
    return task, delivery.answer(delivery.hand_over([task], now=now), [task])


def check(*, now: datetime, **fields: Unpack[TaskFields]) -> None:
    """Raise InvalidRequest with every problem that `create` would find. Stores nothing."""
    _drafted(fields, now)


def cancel(task_id: int, *, now: datetime, version: Versions = None, reason: str = "cancelled by request") -> Task:
    """Cancel a task that has not finished. A waiting task never runs; a running task is asked to stop.

    Raises NotFound, AlreadyFinished with the status, and StaleVersion as `retry` does.
    """
    with transaction.atomic():
        task = _locked(task_id, version)
        before = task.status
        if task.status == Status.RUNNING:
            done = ledger.ask_to_stop(task_id, reason=reason, now=now) or task.cancel_asked_at is not None
        else:
            done = ledger.cancel(task_id, reason=reason, now=now, running=False)
        if not done:
            raise AlreadyFinished(f"The task has finished already: it is {task.status}.")
        task.refresh_from_db()
        receipts.leave(task)
        _note(task, "cancelled", before, now)
    return task


def retry(task_id: int, *, now: datetime, version: Versions = None) -> tuple[Task, str]:
    """Queue another attempt at a task that failed, was cancelled, missed or skipped.

    Returns the task, and what became of its delivery (`delivery.answer`). Raises NotFound, NotRetryable with the
    status, and, with `version`, StaleVersion when the number of its last event is another one.
    """
    with transaction.atomic():
        task = _locked(task_id, version)
        if task.workflow_id is not None:
            raise NotRetryable(f"The task is a member of workflow {task.workflow_id}: retry the workflow.")
        before = task.status
        if not ledger.retry(task, now=now):
            known = ", ".join(sorted(RETRYABLE))
            raise NotRetryable(f"The task is {task.status}: only one that is {known} can be retried.")
        task.refresh_from_db()
        receipts.leave(task)
        _note(task, "retried", before, now)
    return task, delivery.answer(delivery.hand_over([task], now=now), [task])


def _drafted(fields: TaskFields, now: datetime) -> tuple[Task, bool]:
    """The task that `create` stores, and whether it waits for its time. Raises InvalidRequest."""
    values: dict[str, Any] = {
        "job": settings.TANDEM_DEFAULT_JOB, "executor": "worker", "owner": owners.usual(), **fields,
    }  # fmt: skip
    at: datetime | None = values.pop("scheduled_time", None)
    later = at is not None and at > now
    task = Task(woken_by="request", status=Status.SCHEDULED if later else Status.QUEUED, due_at=at, **values)
    problems = [*owners.problems_with(task.owner), *tag_sets.problems_with(task.tags)]
    validation.check_task(task, starts=at if later and at is not None else now, besides=problems)
    task.wait_until, task.send_at = (at, None) if later else (None, now + ledger.HAND_OVER)
    return task, later


def _note(task: Task, action: str, before: str, now: datetime) -> None:
    changes = audit.difference({"status": before}, {"status": task.status})
    audit.record(audit.Change("task", task.pk, action, task.name, task.owner, changes), now=now)


def _locked(task_id: int, version: Versions) -> Task:
    """The task, which no other transaction changes meanwhile. Raises NotFound and StaleVersion."""
    task = owners.visible(Task.objects.select_for_update()).filter(pk=task_id).first()
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    if version is not None and task.events not in version:
        raise StaleVersion(f"The last event of the task is now number {task.events}: read it again.")
    return task
