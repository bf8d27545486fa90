"""The writes that API and jobs call for workflows. A refused request changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from django.db import transaction

from scheduling import actors, audit, delivery, ledger, owners, receipts, tag_sets, validation
from scheduling.errors import Conflict, InvalidRequest, NotFound, Problem, StaleVersion, escaped
from scheduling.lifecycle import Status
from scheduling.models import NodeKind, Task, Workflow, WorkflowNode
from scheduling.storable import problem_with, problem_with_text
from scheduling.workflows import advance, tree
from scheduling.workflows.definition import MOST_TASKS, Node, read
from scheduling.workflows.placeholders import placeholders_in
from scheduling.workflows.retry import WorkflowRetry

# As much as a request body may have.
MOST_BYTES: Final = 1_000_000
_ON_WORKERS: Final[Mapping[str, str]] = {"executor": "worker"}


# The versions of a workflow for which a write is meant; None for any.
Versions: TypeAlias = "Collection[int] | None"


class WorkflowFinished(Conflict):
    """The workflow has finished already."""

    code = "already_finished"


class WorkflowNotRetryable(Conflict):
    """Only a workflow that failed or was cancelled can be retried."""

    code = "not_retryable"


def create(
    *,
    now: datetime,
    name: str,
    workflow: object,
    description: str = "",
    owner: int | None = None,
    tags: Sequence[str] = (),
    started_by: Task | None = None,
) -> tuple[Workflow, str]:
    """Store a workflow and hand over the tasks that depend on no other task.

    Its tasks inherit owner and tags; without `owner` it is the only one that who asks is bound to. `started_by` is the
    task that starts the workflow, if any. The workflow gets the schedule, the owner and the tags of that task; members
    that name no executor or host get its executor or host. A task starts one workflow at most: a second call returns
    the first workflow. Returns the workflow, and what became of the delivery of its first tasks (`delivery.answer`; the
    queues are those of all its tasks). Raises InvalidRequest with the problems.
    """
    defaults = _ON_WORKERS if started_by is None else {"executor": started_by.executor, "host": started_by.host}
    nodes, tasks, problems = _read(workflow, defaults)
    asked = Workflow(name=name, description=description, definition=workflow, created_at=now)
    asked.owner, asked.tags = owners.usual() if owner is None else owner, list(tags)
    if problems := [*_of(asked), *tag_sets.problems_with(list(tags)), *problems]:
        raise InvalidRequest(problems)
    with transaction.atomic():
        stored, is_new = _stored(started_by, asked)
        if not is_new:
            return stored, delivery.answer("", [])
        tasks_of = dict(zip(tasks, ledger.record(_waiting(stored, tasks.values()), now), strict=True))
        rows = [_row(stored, node, tasks_of.get(node.number)) for node in nodes]
        WorkflowNode.objects.bulk_create(rows)
        step = advance.Advance(stored, now)
        step.start(step.nodes(number=0).get())
        released = step.finish()
        receipts.leave(stored)
        if started_by is None:
            _note(stored, "created", now)
    return stored, delivery.answer(delivery.hand_over(released, now=now), tasks.values())


def check(workflow: object) -> list[Problem]:
    """The problems of a definition. Stores nothing."""
    return _read(workflow, _ON_WORKERS)[2]


def cancel(
    workflow_id: int, *, now: datetime, version: Versions = None, reason: str = "cancelled by request"
) -> Workflow:
    """Cancel the waiting and queued tasks, and ask the running tasks to stop. The workflow ends when these have ended.

    Raises NotFound, WorkflowFinished with the status, and StaleVersion as `retry` does.
    """
    with transaction.atomic():
        workflow = _locked(workflow_id, version)
        if not advance.cancel(workflow_id, reason=reason, now=now):
            raise WorkflowFinished(f"The workflow has finished already: it is {workflow.status}.")
        receipts.leave(_found(workflow_id))
        _note(workflow, "cancelled", now)
    advance.stop_members(workflow_id, now=now)
    delivery.hand_over(advance.advance(workflow_id, now=now), now=now)
    return _found(workflow_id)


def retry(workflow_id: int, *, now: datetime, version: Versions = None) -> tuple[Workflow, str]:
    """Retry the members that failed or were cancelled. Members after them wait again; completed members stay completed.

    Returns the workflow, and what became of the delivery of its tasks (as `create`). Raises NotFound,
    WorkflowNotRetryable with the status, and, with `version`, StaleVersion when the workflow is at another one
    (`tree.version`).
    """
    with transaction.atomic():
        workflow = _locked(workflow_id, version)
        if workflow.status not in {Status.FAILED, Status.CANCELLED}:
            raise WorkflowNotRetryable(
                f"The workflow is {workflow.status}: only FAILED and CANCELLED ones can be retried."
            )
        workflow_retry = WorkflowRetry(workflow, now)
        if workflow_retry.forgotten:
            raise WorkflowNotRetryable("Some of its tasks are deleted by now: create a new workflow.")
        tasks = workflow_retry.run()
        receipts.leave(workflow)
        _note(workflow, "retried", now)
    waits_for = delivery.hand_over(tasks, now=now)
    return _found(workflow_id), delivery.answer(waits_for, Task.objects.filter(workflow=workflow, finished_at=None))


def _locked(workflow_id: int, version: Versions) -> Workflow:
    """The workflow, which no other transaction moves on meanwhile. Raises NotFound and StaleVersion."""
    workflow = owners.visible(Workflow.objects.select_for_update()).filter(pk=workflow_id).first()
    if workflow is None:
        raise NotFound(f"There is no workflow {workflow_id}.")
    if version is not None and tree.version(workflow) not in version:
        raise StaleVersion("Something has happened in the workflow meanwhile: read it again.")
    return workflow


def _read(workflow: object, defaults: Mapping[str, str]) -> tuple[list[Node], dict[int, Task], list[Problem]]:
    """The nodes of a definition, the tasks of its task nodes by node number, and every problem of both."""
    not_storable = problem_with(workflow, most_bytes=MOST_BYTES)
    if not_storable:
        return [], {}, [Problem("workflow", "not_storable", f"This {not_storable}.")]
    nodes, problems = read(workflow)
    tasks = {
        node.number: Task(**{**defaults, "name": node.name, **node.fields})
        for node in nodes[:MOST_TASKS]
        if node.kind is NodeKind.TASK and "job" not in node.faulty
    }
    problems += [problem for node in nodes if node.number in tasks for problem in _problems(node, tasks[node.number])]
    return nodes, tasks, problems


def _problems(node: Node, task: Task) -> Iterator[Problem]:
    """The problems of one task, except those of a value that a placeholder fills later."""
    filled_later = [
        ("parameters", *map(escaped, placeholder.where)) for placeholder in placeholders_in(task.parameters)
    ]
    try:
        validation.check_task(task, starts=validation.EARLIEST)
    except InvalidRequest as exc:
        for problem in exc.problems:
            where = tuple(problem.field.split("."))
            known = where[0] in node.faulty or any(_is_of_the_value(problem, where, later) for later in filled_later)
            if not known:
                yield Problem(".".join((node.where, *where)), problem.code, problem.detail)


def _is_of_the_value(problem: Problem, where: tuple[str, ...], later: tuple[str, ...]) -> bool:
    """Whether the problem at `where` may be gone when the placeholder at `later` is filled.

    A parameter that the job does not have is a problem with any value.
    """
    if problem.code == "extra_forbidden" and len(where) <= len(later):
        return False
    common = min(len(where), len(later))
    return where[:common] == later[:common]


def _of(workflow: Workflow) -> Iterator[Problem]:
    """The problems of its own members."""
    for field in ("name", "description"):
        if wrong := problem_with_text(getattr(workflow, field)):
            yield Problem(field, "not_storable", f"This {wrong}.")
    if not workflow.name.strip():
        yield Problem("name", "blank", "Write a name.")
    yield from owners.problems_with(workflow.owner)


def _stored(started_by: Task | None, asked: Workflow) -> tuple[Workflow, bool]:
    asked.created_by = actors.current()
    if started_by is None:
        tag_sets.store([asked])
        asked.save(force_insert=True)
        return asked, True
    inherited = ("schedule_id", "owner", "tag_set_id", "created_by_id")
    values = {name: getattr(started_by, name) for name in inherited}
    values |= {name: getattr(asked, name) for name in ("name", "description", "definition", "created_at")}
    return Workflow.objects.get_or_create(started_by=started_by, defaults=values)


def _note(workflow: Workflow, action: str, now: datetime) -> None:
    audit.record(audit.Change("workflow", workflow.pk, action, workflow.name, workflow.owner), now=now)


def _waiting(workflow: Workflow, tasks: Iterable[Task]) -> Iterator[Task]:
    for task in tasks:
        task.workflow, task.woken_by, task.status = workflow, "workflow", Status.SCHEDULED
        task.owner, task.tag_set, task.created_by = workflow.owner, workflow.tag_set, workflow.created_by
        yield task


def _row(workflow: Workflow, node: Node, task: Task | None) -> WorkflowNode:
    return WorkflowNode(
        workflow=workflow, number=node.number, last=node.last, parent=node.parent, role=node.role, kind=node.kind,
        name=node.name, status=Status.SCHEDULED, task=task,
    )  # fmt: skip


def _found(workflow_id: int) -> Workflow:
    found = owners.visible(Workflow.objects.all()).filter(pk=workflow_id).first()
    if found is None:
        raise NotFound(f"There is no workflow {workflow_id}.")
    return found
