"""What members of a workflow hand on to each other: results and errors, read when the next member starts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from django.conf import settings

from scheduling.errors import InvalidRequest, Problem
from scheduling.lifecycle import Status
from scheduling.models import NodeKind, NodeRole, Task, WorkflowNode
from scheduling.storable import Json
from scheduling.workflows.placeholders import RESULT, NoSuchPart, filled, placeholders_in

# Results may be a megabyte each: so many are in memory at a time.
_AT_ONCE: Final = 100


def parameters(task: Task, stored: Mapping[str, Json]) -> Mapping[str, Json]:
    """The parameters for the job of a task: `stored`, with each placeholder filled.

    What other tasks hand on is filled in last, so it names no secret that would be opened.

    Raises InvalidRequest when a result has no such part, when results are more than TANDEM_MAX_RESULT_BYTES together,
    and when the task is no longer part of its workflow.
    """
    if task.workflow_id is None or next(placeholders_in(stored), None) is None:
        return stored
    node = WorkflowNode.objects.filter(task=task).first()
    if node is None:
        raise InvalidRequest([Problem("parameters", "not_a_member", "The task is no longer part of its workflow.")])
    tree = _Tree(node)
    handed: dict[str, Json] = {}

    def handed_on(name: str) -> Json:
        if name not in handed:
            handed[name] = tree.result_for(node) if name == RESULT else tree.error_for(node)
        return handed[name]

    try:
        return {name: filled(value, handed_on) for name, value in stored.items()}
    except NoSuchPart as exc:
        raise InvalidRequest([Problem("parameters", "no_such_part", str(exc))]) from exc


class _Tree:
    """The nodes of a workflow. The results of its tasks are read only when they are needed."""

    def __init__(self, node: WorkflowNode) -> None:
        self._nodes = {found.number: found for found in WorkflowNode.objects.filter(workflow=node.workflow_id)}
        self._children: dict[int, list[WorkflowNode]] = {}
        for number in sorted(self._nodes):
            child = self._nodes[number]
            if child.parent is not None:
                self._children.setdefault(child.parent, []).append(child)

    def result_for(self, node: WorkflowNode) -> Json:
        """The result that is handed on to a node: that of the node or the nodes before it."""
        while node.parent is not None:
            parent = self._nodes[node.parent]
            before = [member for member in self._of(parent, NodeRole.MEMBER) if member.number < node.number]
            if node.role == NodeRole.ON_SUCCESS:
                return self._read([parent])[0]
            if node.role == NodeRole.CALLBACK:
                return list(self._read(self._of(parent, NodeRole.MEMBER)))
            if parent.kind == NodeKind.CHAIN and before and node.role == NodeRole.MEMBER:
                return self._read(before[-1:])[0]
            node = parent
        raise NoSuchPart("No result is handed on to this task.")

    def error_for(self, node: WorkflowNode) -> Json:
        """The error that is handed on to an on_failure node: the failed task and its message."""
        while node.role != NodeRole.ON_FAILURE:
            if node.parent is None:
                raise NoSuchPart("No error is handed on to this task.")
            node = self._nodes[node.parent]
        failed = self._nodes[node.parent or 0]
        while failed.kind != NodeKind.TASK:
            children = self._of(failed, NodeRole.MEMBER, NodeRole.CALLBACK)
            failed = next(child for child in children if child.status in _NOT_COMPLETED)
        task = failed.task
        message = (task.error or task.reason) if task else ""
        return {
            "task": failed.task_id,
            "name": failed.name,
            "job": task.job if task else "",
            "status": failed.status,
            "error": message,
        }

    def _of(self, node: WorkflowNode, *roles: NodeRole) -> list[WorkflowNode]:
        return [child for child in self._children.get(node.number, []) if child.role in roles]

    def _read(self, nodes: list[WorkflowNode]) -> list[Json]:
        """The results of the nodes, in order."""
        results = _results([task_id for node in nodes for task_id in self._task_ids(node)])
        return [self._result(node, results) for node in nodes]

    def _task_ids(self, node: WorkflowNode) -> Iterator[int]:
        """The ids of the tasks whose results make up the result of the node."""
        if node.kind == NodeKind.TASK:
            if node.task_id is not None:
                yield node.task_id
            return
        for part in self._parts(node):
            yield from self._task_ids(part)

    def _parts(self, node: WorkflowNode) -> list[WorkflowNode]:
        if node.kind == NodeKind.CHORD:
            return self._of(node, NodeRole.CALLBACK)
        members = self._of(node, NodeRole.MEMBER)
        return members[-1:] if node.kind == NodeKind.CHAIN else members

    def _result(self, node: WorkflowNode, results: Mapping[int, Json]) -> Json:
        if node.kind == NodeKind.TASK:
            return results.get(node.task_id or 0)
        read = [self._result(part, results) for part in self._parts(node)]
        return read if node.kind == NodeKind.GROUP else read[0]


_NOT_COMPLETED = (Status.FAILED, Status.CANCELLED)


def _results(task_ids: list[int]) -> dict[int, Json]:
    """The results of the tasks. Raises InvalidRequest when they are more than TANDEM_MAX_RESULT_BYTES together."""
    most = settings.TANDEM_MAX_RESULT_BYTES
    found: dict[int, Json] = {}
    size = 0
    waiting = iter(task_ids)
    while some := list(islice(waiting, _AT_ONCE)):
        for pk, result in Task.objects.filter(pk__in=some).values_list("pk", "result"):
            size += len(json.dumps(result, ensure_ascii=False).encode())
            found[pk] = result
        if size > most:
            detail = f"The results of {len(task_ids):,} tasks are more than the {most:,} bytes that can be handed on."
            raise InvalidRequest([Problem("parameters", "too_much_handed_on", detail)])
    return found
