"""What depends on what: the end of a workflow's member moves the workflow on.

A member's end is committed by itself; moving on is a transaction of its own, under the lock of the workflow's row. It
starts from what the ledger says, so whoever comes second, or after a crash, finds only what is left to do: a node that
RUNS and whose task has finished. Locks are always taken in this order, workflow first and tasks after it, and nobody
who holds a task waits for a workflow: however many members end at once, none of them blocks another for good.
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
    """Settle the members that have ended (only `task_id`, if given) and start what waited for them.

    Returns the tasks that this queued, not yet handed over. When the whole has ended, its schedule's next occurrence
    is among them, if that waited for it.
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
    whole_ended = workflow.status != Status.RUNNING
    return released + delivery.release(workflow.schedule_id, now=now) if whole_ended else released


def cancel(workflow_id: int, *, reason: str, now: datetime) -> bool:
    """Nothing more of it starts. False when it has ended. What runs or is queued is for `stop_members` to end."""
    with transaction.atomic():
        workflow = _locked(workflow_id)
        if workflow is None:
            return False
        if workflow.cancel_asked_at is None:
            workflow.cancel_asked_at, workflow.reason = now, reason
            workflow.save(update_fields=["cancel_asked_at", "reason"])
            last = WorkflowNode.objects.get(workflow=workflow, number=0).last
            Advance(workflow, now).drop(0, last, Status.CANCELLED, reason)
        return True


def stop_members(workflow_id: int, *, now: datetime) -> None:
    """Cancel the members that are queued, and ask those that run to stop. May be called again after a crash."""
    workflow = Workflow.objects.get(pk=workflow_id)
    members = Task.objects.filter(workflow_node__workflow=workflow, status__in=OPEN)
    with transaction.atomic():
        # Waiting for one row while holding others is how two such statements would block each other.
        ids = list(members.values_list("pk", flat=True))
        ledger.cancel_unclaimed(ids, reason=workflow.reason, now=now, skip_locked=True)
    for pk in members.filter(cancel_asked_at=None).values_list("pk", flat=True):
        # Between the two somebody may claim it; then it is asked.
        if not ledger.cancel(pk, reason=workflow.reason, now=now, running=False):
            ledger.ask_to_stop(pk, reason=workflow.reason, now=now)


def interrupted() -> list[int]:
    """The workflows whose advance a crash interrupted: a node of theirs is RUNNING, and its task has finished."""
    nodes = WorkflowNode.objects.filter(status=Status.RUNNING, task__status__in=FINISHED)
    return list(nodes.order_by().values_list("workflow_id", flat=True).distinct())


def being_cancelled() -> list[int]:
    """The workflows that were cancelled and have members that have not ended."""
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
        """Its turn has come. Tasks are queued by `finish`, all at once."""
        if node.kind == NodeKind.TASK:
            self._starting.append(node)
            return
        self._mark([node], Status.RUNNING)
        members = self.nodes(parent=node.number, role=NodeRole.MEMBER)
        for member in members[:1] if node.kind == NodeKind.CHAIN else members:
            self.start(member)

    def settle(self, ended: Mapping[WorkflowNode, str]) -> None:
        """These have ended, each with a status: their callbacks come next, and their parents may go on, or end too."""
        for status in set(ended.values()):
            self._mark([node for node in ended if ended[node] == status], status)
        for node, status in ended.items():
            if node.kind != NodeKind.TASK or node.last > node.number:
                self._callbacks(node, status)
        composed: set[int | None] = set()
        for node, status in ended.items():
            # A group that many left at once is looked at once.
            if node.parent not in composed and node.role in {NodeRole.MEMBER, NodeRole.CALLBACK}:
                parent = self.nodes(number=node.parent).get()
                if parent.kind != NodeKind.CHAIN and node.role == NodeRole.MEMBER:
                    composed.add(node.parent)
                self._go_on(parent, node, status)

    def drop(self, first: int, last: int, status: Status, reason: str) -> None:
        """What waits among the nodes from `first` to `last` will not start."""
        waiting = self.nodes(number__range=(first, last), status=Status.SCHEDULED)
        ids = list(waiting.filter(task__isnull=False).values_list("task_id", flat=True))
        waiting.update(status=status)
        ledger.cancel_unclaimed(ids, reason=reason, now=self._now)

    def finish(self) -> list[Task]:
        """Queue what was started, and return it. Where nothing runs any more, the whole ends."""
        while self._starting:
            nodes, self._starting = self._starting, []
            self._mark(nodes, Status.RUNNING)
            ids = [node.task_id for node in nodes if node.task_id is not None]
            queued = ledger.queue_waiting(ids, now=self._now)
            self._released += queued
            there = {task.pk for task in queued}
            # The others were cancelled one by one while they waited.
            self.settle({node: Status.CANCELLED for node in nodes if node.task_id not in there})
        if not self.nodes(status=Status.RUNNING).exists():
            self._end()
        return self._released

    @property
    def _bad(self) -> Status:
        return Status.CANCELLED if self._cancelled else Status.FAILED

    def _mark(self, nodes: list[WorkflowNode], status: str) -> None:
        WorkflowNode.objects.filter(pk__in=[node.pk for node in nodes]).update(status=status)

    def _go_on(self, parent: WorkflowNode, node: WorkflowNode, status: str) -> None:
        if parent.status != Status.RUNNING:
            # Another one of those that ended together was the last.
            return
        if node.role == NodeRole.CALLBACK:
            self.settle({parent: status if status == Status.COMPLETED else self._bad})
        elif parent.kind == NodeKind.CHAIN:
            self._after_link(parent, node, status)
        else:
            self._after_member(parent)

    def _callbacks(self, node: WorkflowNode, status: str) -> None:
        wanted = NodeRole.ON_SUCCESS if status == Status.COMPLETED else NodeRole.ON_FAILURE
        callbacks = self.nodes(parent=node.number, role__in=[NodeRole.ON_SUCCESS, NodeRole.ON_FAILURE])
        for callback in callbacks.filter(status=Status.SCHEDULED):
            if callback.role == wanted:
                self.start(callback)
            else:
                said = "nothing failed" if status == Status.COMPLETED else "it did not succeed"
                self.drop(callback.number, callback.last, Status.SKIPPED, f"not needed: {said}")

    def _after_link(self, chain: WorkflowNode, link: WorkflowNode, status: str) -> None:
        rest = self.nodes(parent=chain.number, role=NodeRole.MEMBER, number__gt=link.number)
        following = rest.first()
        if status != Status.COMPLETED:
            if following is not None:
                last = rest.aggregate(last=Max("last"))["last"]
                self.drop(following.number, last, Status.CANCELLED, f"what comes before it, {link.name!r}, is {status}")
            self.settle({chain: self._bad})
        elif following is None:
            self.settle({chain: Status.COMPLETED})
        elif following.status == Status.SCHEDULED:
            self.start(following)
        else:
            # Cancelled meanwhile, with all that waited.
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
            self.settle({parent: self._bad})
        elif callback is None:
            self.settle({parent: Status.COMPLETED})
        elif callback.status == Status.SCHEDULED:
            self.start(callback)
        else:
            self.settle({parent: Status.CANCELLED})

    def _end(self) -> None:
        workflow = self._workflow
        own = self.nodes(role__in=[NodeRole.ROOT, NodeRole.ON_SUCCESS, NodeRole.ON_FAILURE])
        workflow.status, asked_because = Status.COMPLETED, workflow.reason
        workflow.reason = ""
        if self._cancelled and self.nodes(status=Status.CANCELLED).exists():
            workflow.status, workflow.reason = Status.CANCELLED, asked_because
        elif own.filter(status__in=[Status.FAILED, Status.CANCELLED]).exists():
            bad = self.nodes(kind=NodeKind.TASK, task__status__in=[Status.FAILED, Status.CANCELLED])
            first = bad.exclude(status=Status.SKIPPED).order_by("task__finished_at", "number").first()
            workflow.status = Status.FAILED
            workflow.reason = f"{first.name!r}, task {first.task_id}, is {first.status}" if first else ""
        workflow.finished_at = self._now
        workflow.save(update_fields=["status", "reason", "finished_at"])


def _locked(workflow_id: int) -> Workflow | None:
    """The workflow, with its lock; None where it is gone or has ended."""
    open_ones = Workflow.objects.select_for_update().filter(pk=workflow_id, status=Status.RUNNING)
    # A definition may be long, and this is asked at the end of each member.
    return open_ones.defer("definition").first()
