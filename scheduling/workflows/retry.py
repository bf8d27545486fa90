"""Retries a workflow that failed or was cancelled, from the members that did not complete."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import NodeKind, NodeRole, Task, Workflow, WorkflowNode
from scheduling.models.execution_options import ExecutionOptions

# What a task that waits again has of the one before, besides its options.
_SAME: Final = (
    "workflow_id", "name", "description", "job", "parameters", "woken_by", "executor", "host", "owner", "tag_set_id",
    "created_by_id",
)  # fmt: skip


class WorkflowRetry:
    """One retry of a workflow that has ended and whose row the caller has locked.

    A task that failed or was cancelled is retried and keeps its attempts. The nodes after it, and its callbacks, may
    have to run once more: they wait again, with new tasks. Their old tasks stay in the ledger.
    """

    def __init__(self, workflow: Workflow, now: datetime) -> None:
        self._workflow, self._now = workflow, now
        self._nodes = {node.number: node for node in workflow.nodes.select_related("task").order_by("number")}
        self._retried: list[WorkflowNode] = []
        self._renewed: list[WorkflowNode] = []

    @property
    def forgotten(self) -> bool:
        """Whether some tasks of the workflow are no longer in the ledger."""
        return any(node.kind == NodeKind.TASK and node.task_id is None for node in self._nodes.values())

    def run(self) -> list[Task]:
        """Set the workflow to RUNNING again. Returns the queued tasks, not handed over yet."""
        workflow = self._workflow
        self._resume(self._nodes[0])
        workflow.status, workflow.reason = Status.RUNNING, ""
        workflow.finished_at = workflow.cancel_asked_at = None
        workflow.save(update_fields=["status", "reason", "finished_at", "cancel_asked_at"])
        self._renew_tasks()
        tasks = [node.task for node in self._retried if node.task is not None]
        for task in tasks:
            ledger.retry(task, now=self._now)
        WorkflowNode.objects.bulk_update(self._nodes.values(), ["status", "task"], batch_size=200)
        return list(Task.objects.filter(pk__in=[task.pk for task in tasks]).order_by("pk"))

    def _resume(self, node: WorkflowNode) -> None:
        if node.status == Status.COMPLETED:
            self._resume_callbacks(node)
            return
        node.status = Status.RUNNING
        for callback in self._of(node, NodeRole.ON_SUCCESS, NodeRole.ON_FAILURE):
            self._renew(callback)
        members = self._of(node, NodeRole.MEMBER)
        if node.kind == NodeKind.TASK:
            self._retried.append(node)
        elif node.kind == NodeKind.CHAIN:
            self._resume_chain(members)
        else:
            self._resume_members(node, members)

    def _resume_callbacks(self, node: WorkflowNode) -> None:
        """Keep a completed node as it is, and resume the nodes below it: an `on_success` callback may have failed."""
        for child in self._of(node, *NodeRole):
            if child.status != Status.SKIPPED:
                self._resume(child)

    def _resume_chain(self, links: list[WorkflowNode]) -> None:
        must_wait = False
        for link in links:
            if must_wait:
                self._renew(link)
            else:
                must_wait = link.status != Status.COMPLETED
                self._resume(link)

    def _resume_members(self, node: WorkflowNode, members: list[WorkflowNode]) -> None:
        complete = all(member.status == Status.COMPLETED for member in members)
        for member in members:
            self._resume(member)
        for callback in self._of(node, NodeRole.CALLBACK):
            if complete:
                self._resume(callback)
            else:
                self._renew(callback)

    def _renew(self, node: WorkflowNode) -> None:
        """Let the node and all nodes below it wait again."""
        for number in range(node.number, node.last + 1):
            below = self._nodes[number]
            below.status = Status.SCHEDULED
            if below.kind == NodeKind.TASK:
                self._renewed.append(below)

    def _renew_tasks(self) -> None:
        fresh = [_new_copy(node.task) for node in self._renewed if node.task is not None]
        for node, task in zip(self._renewed, ledger.record(fresh, self._now), strict=True):
            node.task = task

    def _of(self, node: WorkflowNode, *roles: NodeRole) -> list[WorkflowNode]:
        below = range(node.number + 1, node.last + 1)
        return [
            self._nodes[number]
            for number in below
            if self._nodes[number].parent == node.number and self._nodes[number].role in roles
        ]


def _new_copy(task: Task) -> Task:
    """A new waiting task with the same job, parameters and options, of the same owner."""
    same = {name: getattr(task, name) for name in _SAME}
    return Task(status=Status.SCHEDULED, **same, **ExecutionOptions.of(task))
