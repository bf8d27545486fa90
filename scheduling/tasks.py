"""The writes that API and command line call for tasks. A refused request changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from django.conf import settings
from django.db import transaction

from scheduling import delivery, ledger, validation
from scheduling.errors import Conflict, NotFound
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


# A task that is claimed, fails and is queued again while somebody cancels it is asked so often.
_CANCEL_TRIES: Final = 10


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
    values: dict[str, Any] = {"job": settings.TANDEM_DEFAULT_JOB, "executor": "worker", **fields}
    at: datetime | None = values.pop("scheduled_time", None)
    later = at is not None and at > now
    task = Task(woken_by="request", status=Status.SCHEDULED if later else Status.QUEUED, **values)
    validation.check_task(task, starts=at if later and at is not None else now)
    validation.place(task)
    task.wait_until, task.send_at = (at, None) if later else (None, now + ledger.HAND_OVER)
    with transaction.atomic():
        ledger.record([task], now)
    if later and at is not None:
        return task, delivery.answer(f"its time, {at.isoformat()}", [task])
    return task, delivery.answer(delivery.hand_over([task], now=now), [task])


def cancel(task_id: int, *, now: datetime, reason: str = "cancelled by request") -> Task:
    """Cancel a task that has not finished. A waiting task never runs; a running task is asked to stop.

    Raises NotFound, and AlreadyFinished with the status.
    """
    task = _found(task_id)
    # A worker may claim or finish the task between the read and the write: then the next turn uses its new status.
    for _ in range(_CANCEL_TRIES):
        if task.status == Status.RUNNING:
            done = ledger.ask_to_stop(task_id, reason=reason, now=now) or task.cancel_asked_at is not None
        else:
            done = ledger.cancel(task_id, reason=reason, now=now, running=False)
        task.refresh_from_db()
        # It may have finished since it was asked to stop: then it was not cancelled, and the answer says so.
        if task.finished_at is not None and not (done and task.status == Status.CANCELLED):
            raise AlreadyFinished(f"The task has finished already: it is {task.status}.")
        if done:
            return task
    raise Conflict(f"The task changed {_CANCEL_TRIES} times while it was to be cancelled: ask again.")


def retry(task_id: int, *, now: datetime) -> tuple[Task, str]:
    """Queue another attempt at a task that failed, was cancelled, missed or skipped.

    Returns the task, and what became of its delivery (`delivery.answer`). Raises NotFound, and NotRetryable with
    the status.
    """
    task = _found(task_id)
    if task.workflow_id is not None:
        raise NotRetryable(f"The task is a member of workflow {task.workflow_id}: retry the workflow.")
    if not ledger.retry(task, now=now):
        task.refresh_from_db()
        known = ", ".join(sorted(RETRYABLE))
        raise NotRetryable(f"The task is {task.status}: only one that is {known} can be retried.")
    task.refresh_from_db()
    return task, delivery.answer(delivery.hand_over([task], now=now), [task])


def _found(task_id: int) -> Task:
    task = Task.objects.filter(pk=task_id).first()
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    return task
