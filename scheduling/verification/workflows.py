"""Do a workflow, its nodes and their tasks agree? Pure, but for reading the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Final

from scheduling.lifecycle import FINISHED, OPEN, Status
from scheduling.models import NodeKind, NodeRole, Workflow, WorkflowNode
from scheduling.verification.mismatch import OVERDUE, Mismatch, shown

# Nodes that the database sends at once.
_CHUNK: Final = 2_000
# What the task of a node may be while the node has this status.
_TASK_OF: Final = {
    Status.SCHEDULED: {Status.SCHEDULED, Status.CANCELLED},
    Status.RUNNING: FINISHED | OPEN - {Status.SCHEDULED},
    Status.COMPLETED: {Status.COMPLETED},
    Status.FAILED: {Status.FAILED},
    Status.CANCELLED: {Status.CANCELLED},
    Status.SKIPPED: {Status.CANCELLED},
}


def check_workflows(workflows: Sequence[Workflow], *, now: datetime) -> Iterator[Mismatch]:
    """Check a chunk of workflows, which are in order of their ids. One workflow's nodes are in memory at a time."""
    by_id = {workflow.pk: workflow for workflow in workflows}
    nodes = WorkflowNode.objects.filter(workflow__in=by_id).select_related("task").order_by("workflow_id", "number")
    read = nodes.only("workflow", "number", "parent", "role", "kind", "status", "task__status", "task__finished_at")
    for workflow_id, of_one in groupby(read.iterator(chunk_size=_CHUNK), key=attrgetter("workflow_id")):
        workflow = by_id.pop(workflow_id)
        for found, expected in _differences(workflow, list(of_one), now):
            yield Mismatch("workflow", workflow.pk, "nodes", found, expected)
    for workflow in by_id.values():
        yield Mismatch("workflow", workflow.pk, "nodes", "it has no node", "at least one")


def _differences(workflow: Workflow, nodes: list[WorkflowNode], now: datetime) -> Iterator[tuple[str, str]]:
    """What differs in one workflow, and what it should be."""
    running = workflow.status == Status.RUNNING
    if running != (workflow.finished_at is None):
        yield f"it is {workflow.status}, and its end is {shown(workflow.finished_at)}", "an end where it has ended"
    unended = [node.number for node in nodes if node.status in OPEN]
    if unended and not running:
        yield f"it is {workflow.status}, and nodes {unended[:10]} are open", "no open node in what has ended"
    if running and not any(node.status == Status.RUNNING for node in nodes):
        yield "it is RUNNING, and none of its nodes is", "a running node, or its end"
    if workflow.status == Status.COMPLETED and nodes[0].status != Status.COMPLETED:
        yield f"it is COMPLETED, and its first node is {nodes[0].status}", "COMPLETED"
    # The parents of what runs: a group runs as long as a member or the callback of it does.
    alive = {node.parent for node in nodes if node.status == Status.RUNNING and node.role in _PARTS}
    for node in nodes:
        if node.kind == NodeKind.TASK:
            yield from _task_of(node, now)
        elif node.status == Status.RUNNING and node.number not in alive:
            yield f"node {node.number} is RUNNING, and no part of it is", "a running part, or its end"


_PARTS: Final = {NodeRole.MEMBER, NodeRole.CALLBACK}


def _task_of(node: WorkflowNode, now: datetime) -> Iterator[tuple[str, str]]:
    """The task's status fits the node's. Retention may have deleted the task of an ended workflow."""
    task = node.task
    if task is None:
        if node.status in OPEN:
            yield f"node {node.number} is {node.status} and has no task", "a task"
        return
    fitting = _TASK_OF[Status(node.status)]
    if task.status not in fitting:
        yield f"node {node.number} is {node.status}, and its task {task.pk} is {task.status}", " or ".join(fitting)
    ended = task.finished_at if node.status == Status.RUNNING else None
    if ended is not None and now - ended > OVERDUE:
        yield f"node {node.number} is RUNNING, and its task ended at {shown(ended)}", f"it ends within {OVERDUE}"
