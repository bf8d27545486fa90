"""The writes that API and command line call for tasks. A refused request changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final, TypeAlias, TypedDict, Unpack

from django.conf import settings
from django.db import transaction

from scheduling import audit, delivery, ledger, owners, receipts, tag_sets, validation
from scheduling.errors import Conflict, NotFound, StaleVersion
from scheduling.lifecycle import RETRYABLE, Status
from scheduling.models import Task
from scheduling.phrases import phrase
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
    limit_key: str
    retries: dict[str, Any]
    soft_timeout: int | None
    timeout: int | None
    on_lost: str
    expires: datetime | None
    owner: int | None
    tags: list[str]


CANCELLED: Final = "cancelled by request"
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
    task = draft(fields, now=now)
    with transaction.atomic():
        tag_sets.store([task])
        ledger.record([task], now)
        receipts.leave(task)
        note_created([task], now=now)
    if task.status == Status.SCHEDULED and task.due_at is not None:
        return task, delivery.answer(f"its time, {task.due_at.isoformat()}", [task])
    return task, delivery.answer(delivery.hand_over([task], now=now), [task])


def check(*, now: datetime, **fields: Unpack[TaskFields]) -> None:
    """Raise InvalidRequest with every problem that `create` would find. Stores nothing."""
    draft(fields, now=now)


def cancel(task_id: int, *, now: datetime, version: Versions = None, reason: str = CANCELLED) -> Task:
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
        note("cancelled", [(task, before, task.status)], now=now)
    return task


def retry(task_id: int, *, now: datetime, version: Versions = None) -> tuple[Task, str]:
    """Queue another attempt at a task that failed, was cancelled, missed or skipped.

    Returns the task, and what became of its delivery (`delivery.answer`). Raises NotFound, NotRetryable with the
    status, and, with `version`, StaleVersion when the number of its last event is another one.
    """
    with transaction.atomic():
        task = _locked(task_id, version)
        if (refusal := why_not_retried(task)) is not None:
            raise refusal
        before = task.status
        ledger.retry(task, now=now)
        task.refresh_from_db()
        receipts.leave(task)
        note("retried", [(task, before, task.status)], now=now)
    return task, delivery.answer(delivery.hand_over([task], now=now), [task])


def why_not_retried(task: Task) -> NotRetryable | None:
    """Why a task cannot be retried as it is; None where it can."""
    if task.workflow_id is not None:
        return NotRetryable(f"The task is a member of workflow {task.workflow_id}: retry the workflow.")
    if task.status in RETRYABLE:
        return None
    return NotRetryable(f"The task is {task.status}: only one that is {', '.join(sorted(RETRYABLE))} can be retried.")


def draft(fields: TaskFields, *, now: datetime) -> Task:
    """The task that `create` stores: SCHEDULED where it waits for its time, else QUEUED. Raises InvalidRequest."""
    values: dict[str, Any] = {
        "job": settings.TANDEM_DEFAULT_JOB, "executor": "worker", "owner": owners.usual(), **fields,
    }  # fmt: skip
    at: datetime | None = values.pop("scheduled_time", None)
    later = at is not None and at > now
    task = Task(woken_by="request", status=Status.SCHEDULED if later else Status.QUEUED, due_at=at, **values)
    problems = [*owners.problems_with(task.owner), *tag_sets.problems_with(task.tags)]
    validation.check_task(task, starts=at if later and at is not None else now, besides=problems)
    task.wait_until, task.send_at = (at, None) if later else (None, now + ledger.UNCLAIMED_AFTER)
    return task


def note_created(made: Iterable[Task], *, now: datetime) -> None:
    """As `note`: somebody has asked for these tasks."""
    changes = [(task, audit.difference({}, {"job": task.job, "scheduled_time": task.due_at})) for task in made]
    rows = (audit.Change("task", one.pk, "created", one.name, one.owner, what) for one, what in changes)
    audit.record(*rows, now=now)


def note(action: str, moved: Iterable[tuple[Task, str, str]], *, now: datetime) -> None:
    """Write into the audit log that somebody has done this to these tasks, each with its status before and after.

    It belongs into the transaction that does it.
    """
    changes = [(task, audit.difference({"status": before}, {"status": after})) for task, before, after in moved]
    audit.record(*(audit.Change("task", one.pk, action, one.name, one.owner, what) for one, what in changes), now=now)


def _locked(task_id: int, version: Versions) -> Task:
    """The task, which no other transaction changes meanwhile. Raises NotFound and StaleVersion."""
    task = owners.visible(Task.objects.select_for_update()).filter(pk=task_id).first()
    if task is None:
        raise NotFound(phrase("There is no task {id}.", id=task_id))
    if version is not None and task.events not in version:
        raise StaleVersion(f"The last event of the task is now number {task.events}: read it again.")
    return task
