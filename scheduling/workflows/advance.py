"""What happens in a workflow when one of its members ends: which members start, and when the workflow ends.

The end of a member is one transaction, and moving the workflow on is another one, under the lock of the workflow's row.
The second transaction looks for nodes that are RUNNING and whose task has finished. So a second caller, or a caller
after a crash, finds only what is still to do. Locks are always taken in this order: first the workflow, then its tasks.
A transaction that has locked a task never waits for a workflow. So members that end at the same time cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Max, QuerySet

from scheduling import delivery, ledger
from scheduling.lifecycle import FINISHED, OPEN, Status
from scheduling.models import NodeKind, NodeRole, Task, Workflow, WorkflowNode


def advance(workflow_id: int, *, now: datetime, task_id: int | None = None) -> list[Task]:
    """Settle the members that have ended (only `task_id`, if given), and start the members that waited for them.

    Returns the tasks that were queued, not handed over yet. When the workflow has ended, they include the task of its
    schedule that waited for this end, if any.
    """
    with transaction.atomic():
        workflow = _locked(workflow_id)
        if workflow is None:
            return []
        step = Advance(workflow, now)
        ended = step.nodes(status=Status.RUNNING, task__status__in=FINISHED)
        if task_id is not None:
            ended = ended.filter(task_id=task_id)
        step.settle({node: node.task.status for node in ended.select_related("task") if node.task is not None})
        released = step.finish()
    has_ended = workflow.status != Status.RUNNING
    return released + delivery.release(workflow.schedule_id, now=now) if has_ended else released


def cancel(workflow_id: int, *, reason: str, now: datetime) -> bool:
    """Keep all further members from starting. False when the workflow has ended already.

    `stop_members` ends the members that are queued or running.
    """
    with transaction.atomic():
        workflow = _locked(workflow_id)
        if workflow is None:
            return False
        if workflow.cancel_asked_at is None:
            workflow.cancel_asked_at, workflow.reason = now, reason
            workflow.save(update_fields=["cancel_asked_at", "reason"])
            last = WorkflowNode.objects.get(workflow=workflow, number=0).last
            # The root itself never waits.
            Advance(workflow, now).drop(1, last, Status.CANCELLED, reason)
        return True


def stop_members(workflow_id: int, *, now: datetime) -> None:
    """Cancel the members that are queued, and ask those that run to stop. May be called again after a crash."""
    workflow = Workflow.objects.get(pk=workflow_id)
    members = Task.objects.filter(workflow_node__workflow=workflow, status__in=OPEN)
    with transaction.atomic():
        # Locked rows are skipped: two transactions that wait for rows of each other would deadlock.
        ids = list(members.values_list("pk", flat=True))
        ledger.cancel_unclaimed(ids, reason=workflow.reason, now=now, skip_locked=True)
    for pk in members.filter(cancel_asked_at=None).values_list("pk", flat=True):
        # A worker may claim the task before it is cancelled. Then the task is asked to stop.
        if not ledger.cancel(pk, reason=workflow.reason, now=now, running=False):
            ledger.ask_to_stop(pk, reason=workflow.reason, now=now)


def interrupted() -> list[int]:
    """The ids of workflows that did not move on because of a crash: a node is RUNNING and its task has finished."""
    nodes = WorkflowNode.objects.filter(status=Status.RUNNING, task__status__in=FINISHED)
    return list(nodes.order_by().values_list("workflow_id", flat=True).distinct())


def being_cancelled() -> list[int]:
    """The ids of workflows that were cancelled and have not ended yet."""
    asked = Workflow.objects.filter(status=Status.RUNNING, cancel_asked_at__isnull=False)
    return list(asked.values_list("pk", flat=True))


class Advance:
    """One step of a workflow whose row the caller has locked."""

    def __init__(self, workflow: Workflow, now: datetime) -> None:
        self._workflow, self._now = workflow, now
        self._cancelled = workflow.cancel_asked_at is not None
        self._starting: list[WorkflowNode] = []
        self._released: list[Task] = []

    def nodes(self, **filters: object) -> QuerySet[WorkflowNode]:
        """The nodes of this workflow, in order."""
        return WorkflowNode.objects.filter(workflow=self._workflow, **filters).order_by("number")

    def start(self, node: WorkflowNode) -> None:
        """Start a node. `finish` queues the tasks, all at once."""
        if node.kind == NodeKind.TASK:
            self._starting.append(node)
            return
        self._mark([node], Status.RUNNING)
        members = self.nodes(parent=node.number, role=NodeRole.MEMBER)
        for member in members[:1] if node.kind == NodeKind.CHAIN else members:
            self.start(member)

    def settle(self, ended: Mapping[WorkflowNode, str]) -> None:
        """Store the status of nodes that have ended. Start their callbacks, and let their parents go on or end."""
        for status in set(ended.values()):
            self._mark([node for node in ended if ended[node] == status], status)
        for node, status in ended.items():
            if node.last > node.number:
                self._callbacks(node, status)
        checked: set[int | None] = set()
        for node, status in ended.items():
            # When many members of a group end together, the group is checked only once.
            if node.parent not in checked and node.role in {NodeRole.MEMBER, NodeRole.CALLBACK}:
                checked.add(node.parent)
                self._go_on(self.nodes(number=node.parent).get(), node, status)

    def drop(self, first: int, last: int, status: Status, reason: str) -> None:
        """Give `status` to the waiting nodes from `first` to `last`, and cancel their tasks: they do not start."""
        waiting = self.nodes(number__range=(first, last), status=Status.SCHEDULED)
        # Those of composed nodes are null, and no task has that id.
        ids = list(waiting.values_list("task_id", flat=True))
        waiting.update(status=status)
        ledger.cancel_unclaimed(ids, reason=reason, now=self._now)

    def finish(self) -> list[Task]:
        """Queue the tasks that were started, and return them. End the workflow when none of its nodes runs any more."""
        while self._starting:
            nodes, self._starting = self._starting, []
            self._mark(nodes, Status.RUNNING)
            ids = [node.task_id for node in nodes if node.task_id is not None]
            queued = ledger.queue_waiting(ids, now=self._now)
            self._released += queued
            queued_ids = {task.pk for task in queued}
            # The other tasks were cancelled one by one while they waited.
            self.settle({node: Status.CANCELLED for node in nodes if node.task_id not in queued_ids})
        if not self.nodes(status=Status.RUNNING).exists():
            self._end()
        return self._released

    @property
    def _failure_status(self) -> Status:
        return Status.CANCELLED if self._cancelled else Status.FAILED

    def _mark(self, nodes: list[WorkflowNode], status: str) -> None:
        WorkflowNode.objects.filter(pk__in=[node.pk for node in nodes]).update(status=status)

    def _go_on(self, parent: WorkflowNode, node: WorkflowNode, status: str) -> None:
        if parent.status != Status.RUNNING:
            # Another node that ended at the same time has ended the parent already.
            return
        if node.role == NodeRole.CALLBACK:
            self.settle({parent: status if status == Status.COMPLETED else self._failure_status})
        elif parent.kind == NodeKind.CHAIN:
            self._after_link(parent, node, status)
        else:
            self._after_member(parent)

    def _callbacks(self, node: WorkflowNode, status: str) -> None:
        wanted = NodeRole.ON_SUCCESS if status == Status.COMPLETED else NodeRole.ON_FAILURE
        # Directly below a node that has ended, nothing else waits any more.
        for callback in self.nodes(parent=node.number, status=Status.SCHEDULED):
            if callback.role == wanted:
                self.start(callback)
            else:
                why = "nothing failed" if status == Status.COMPLETED else "it did not succeed"
                self.drop(callback.number, callback.last, Status.SKIPPED, f"not needed: {why}")

    def _after_link(self, chain: WorkflowNode, link: WorkflowNode, status: str) -> None:
        rest = self.nodes(parent=chain.number, role=NodeRole.MEMBER, number__gt=link.number)
        following = rest.first()
        if status != Status.COMPLETED:
            if following is not None:
                last = rest.aggregate(last=Max("last"))["last"]
                self.drop(following.number, last, Status.CANCELLED, f"the member before it, {link.name!r}, is {status}")
            self.settle({chain: self._failure_status})
        elif following is None:
            self.settle({chain: Status.COMPLETED})
        elif following.status == Status.SCHEDULED:
            self.start(following)
        else:
            # The workflow was cancelled in the meantime, and with it every waiting node.
            self.settle({chain: Status.CANCELLED})

    def _after_member(self, parent: WorkflowNode) -> None:
        members = self.nodes(parent=parent.number, role=NodeRole.MEMBER)
        if members.filter(status__in=[Status.SCHEDULED, Status.RUNNING]).exists():
            return
        failed = members.exclude(status=Status.COMPLETED).first()
        callback = self.nodes(parent=parent.number, role=NodeRole.CALLBACK).first()
        if failed is not None:
            if callback is not None:
                reason = f"a member, {failed.name!r}, is {failed.status}"
                self.drop(callback.number, callback.last, Status.CANCELLED, reason)
            self.settle({parent: self._failure_status})
        elif callback is None:
            self.settle({parent: Status.COMPLETED})
        elif callback.status == Status.SCHEDULED:
            self.start(callback)
        else:
            self.settle({parent: Status.CANCELLED})

    def _end(self) -> None:
        workflow = self._workflow
        failed = self.nodes(kind=NodeKind.TASK, status__in=[Status.FAILED, Status.CANCELLED])
        first = failed.order_by("task__finished_at", "number").first()
        if self._cancelled and failed.filter(status=Status.CANCELLED).exists():
            workflow.status = Status.CANCELLED
        elif first is not None:
            workflow.status = Status.FAILED
            workflow.reason = f"{first.name!r}, task {first.task_id}, is {first.status}"
        else:
            workflow.status, workflow.reason = Status.COMPLETED, ""
        workflow.finished_at = self._now
        workflow.save(update_fields=["status", "reason", "finished_at"])


def _locked(workflow_id: int) -> Workflow | None:
    """The workflow with its row locked; None when it is deleted or has ended."""
    running = Workflow.objects.select_for_update().filter(pk=workflow_id, status=Status.RUNNING)
    # A definition may be long, and this query runs at the end of each member.
    return running.defer("definition").first()
