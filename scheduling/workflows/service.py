"""The writes that API and jobs call for workflows. A refused request changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from scheduling import delivery, ledger, validation
from scheduling.errors import Conflict, InvalidRequest, NotFound, Problem, escaped
from scheduling.lifecycle import Status
from scheduling.models import NodeKind, Task, Workflow, WorkflowNode
from scheduling.storable import problem_with, problem_with_text
from scheduling.workflows import advance
from scheduling.workflows.definition import Node, read
from scheduling.workflows.placeholders import placeholders_in
from scheduling.workflows.retry import WorkflowRetry

# As much as a request body may have.
MOST_BYTES: Final = 1_000_000
_ON_WORKERS: Final[Mapping[str, str]] = {"executor": "worker"}


class AlreadyFinished(Conflict):
    """The workflow has finished already."""

    code = "already_finished"


class NotRetryable(Conflict):
    """Only a workflow that failed or was cancelled can be retried."""

    code = "not_retryable"


def create(
    *,
    now: datetime,
    name: str,
    workflow: object,
    description: str = "",
    started_by: Task | None = None,
) -> tuple[Workflow, str]:
    """Store a workflow and hand over the tasks that depend on no other task.

    `started_by` is the task that starts the workflow, if any. The workflow gets the schedule of that task; members that
    name no executor or host get its executor or host. A task starts one workflow at most: a second call returns the
    first workflow. Returns the workflow, and what became of the delivery of its first tasks (`delivery.answer`; the
    queues are those of all its tasks). Raises InvalidRequest with the problems.
    """
    defaults = _ON_WORKERS if started_by is None else {"executor": started_by.executor, "host": started_by.host}
    nodes, tasks = _read(workflow, defaults)
    problems = [*_texts(name=name, description=description)]
    if problems:
        raise InvalidRequest(problems)
    with transaction.atomic():
        stored, is_new = _stored(started_by, now, name=name, description=description, definition=workflow)
        if not is_new:
            return stored, delivery.answer("", [])
        tasks_of = dict(zip(tasks, ledger.record(_waiting(stored, tasks.values()), now), strict=True))
        rows = [_row(stored, node, tasks_of.get(node.number)) for node in nodes]
        WorkflowNode.objects.bulk_create(rows)
        step = advance.Advance(stored, now)
        step.start(step.nodes(number=0).get())
        released = step.finish()
    return stored, delivery.answer(delivery.hand_over(released, now=now), tasks.values())


def check(workflow: object) -> list[Problem]:
    """The problems of a definition. Stores nothing."""
    try:
        _read(workflow, _ON_WORKERS)
    except InvalidRequest as exc:
        return list(exc.problems)
    return []


def cancel(workflow_id: int, *, now: datetime, reason: str = "cancelled by request") -> Workflow:
    """Cancel the waiting and queued tasks, and ask the running tasks to stop. The workflow ends when these have ended.

    Raises NotFound, and AlreadyFinished with the status.
    """
    _found(workflow_id)
    if not advance.cancel(workflow_id, reason=reason, now=now):
        raise AlreadyFinished(f"The workflow has finished already: it is {_found(workflow_id).status}.")
    advance.stop_members(workflow_id, now=now)
    delivery.hand_over(advance.advance(workflow_id, now=now), now=now)
    return _found(workflow_id)


def retry(workflow_id: int, *, now: datetime) -> tuple[Workflow, str]:
    """Retry the members that failed or were cancelled. Members after them wait again; completed members stay completed.

    Returns the workflow, and what became of the delivery of its tasks (as `create`). Raises NotFound, and
    NotRetryable with the status.
    """
    with transaction.atomic():
        workflow = Workflow.objects.select_for_update().filter(pk=workflow_id).first()
        if workflow is None:
            raise NotFound(f"There is no workflow {workflow_id}.")
        if workflow.status not in {Status.FAILED, Status.CANCELLED}:
            raise NotRetryable(f"The workflow is {workflow.status}: only FAILED and CANCELLED ones can be retried.")
        workflow_retry = WorkflowRetry(workflow, now)
        if workflow_retry.forgotten:
            raise NotRetryable("Some of its tasks are deleted by now: create a new workflow.")
        tasks = workflow_retry.run()
    waits_for = delivery.hand_over(tasks, now=now)
    return _found(workflow_id), delivery.answer(waits_for, Task.objects.filter(workflow=workflow, finished_at=None))


def _read(workflow: object, defaults: Mapping[str, str]) -> tuple[list[Node], dict[int, Task]]:
    """The nodes of a definition, and the tasks of its task nodes by node number. Raises InvalidRequest."""
    not_storable = problem_with(workflow, most_bytes=MOST_BYTES)
    if not_storable:
        raise InvalidRequest([Problem("workflow", "not_storable", f"This {not_storable}.")])
    nodes = read(workflow)
    tasks = {
        node.number: Task(**{**defaults, "name": node.name, **node.fields})
        for node in nodes
        if node.kind is NodeKind.TASK
    }
    problems = [problem for node in nodes if node.number in tasks for problem in _problems(node, tasks[node.number])]
    if problems:
        raise InvalidRequest(problems)
    return nodes, tasks


def _problems(node: Node, task: Task) -> Iterator[Problem]:
    """The problems of one task, except those of a parameter that holds a placeholder: its value is not known yet."""
    filled_later = [
        (node.where, "parameters", *map(escaped, placeholder.where)) for placeholder in placeholders_in(task.parameters)
    ]
    try:
        validation.check_task(task, starts=validation.EARLIEST)
        validation.place(task)
    except InvalidRequest as exc:
        for problem in exc.problems:
            where = (node.where, *problem.field.split("."))
            if not any(_one_path_inside_other(where, later) for later in filled_later):
                yield Problem(".".join(where), problem.code, problem.detail)


def _one_path_inside_other(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    common = min(len(one), len(other))
    return one[:common] == other[:common]


def _texts(**texts: str) -> Iterator[Problem]:
    for field, text in texts.items():
        if wrong := problem_with_text(text):
            yield Problem(field, "not_storable", f"This {wrong}.")
    if not texts["name"].strip():
        yield Problem("name", "blank", "Write a name.")


def _stored(started_by: Task | None, now: datetime, **values: Any) -> tuple[Workflow, bool]:
    if started_by is None:
        return Workflow.objects.create(created_at=now, **values), True
    values |= {"created_at": now, "schedule_id": started_by.schedule_id}
    return Workflow.objects.get_or_create(started_by=started_by, defaults=values)


def _waiting(workflow: Workflow, tasks: Iterable[Task]) -> Iterator[Task]:
    for task in tasks:
        task.workflow, task.woken_by, task.status = workflow, "workflow", Status.SCHEDULED
        yield task


def _row(workflow: Workflow, node: Node, task: Task | None) -> WorkflowNode:
    return WorkflowNode(
        workflow=workflow, number=node.number, last=node.last, parent=node.parent, role=node.role, kind=node.kind,
        name=node.name, status=Status.SCHEDULED, task=task,
    )  # fmt: skip


def _found(workflow_id: int) -> Workflow:
    found = Workflow.objects.filter(pk=workflow_id).first()
    if found is None:
        raise NotFound(f"There is no workflow {workflow_id}.")
    return found
