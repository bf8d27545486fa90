"""Reads workflows: how many of their tasks are in each status, and one workflow as a tree."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Mapping
from typing import Any, Final

from django.conf import settings
from django.db.models import Case, CharField, Count, F, Value, When
from django.db.models.functions import Coalesce

from scheduling.lifecycle import Status
from scheduling.models import NodeKind, NodeRole, Task, Workflow, WorkflowNode
from scheduling.storable import Json

# Results may be a megabyte each: so many are in memory at a time.
_AT_ONCE: Final = 100
# The status to show. A task that was not needed is CANCELLED, and its node is SKIPPED: SKIPPED is shown.
_SHOWN_STATUS: Final = Case(
    When(status=Status.SKIPPED, then=Value(Status.SKIPPED.value)),
    default=Coalesce("task__status", "status"),
    output_field=CharField(),
)


def counts(workflow_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """For each workflow id, how many tasks are in each status, callbacks included."""
    tasks = WorkflowNode.objects.filter(workflow__in=workflow_ids, kind=NodeKind.TASK)
    rows = tasks.order_by().annotate(shown=_SHOWN_STATUS).values("workflow_id", "shown").annotate(count=Count("pk"))
    found: dict[int, dict[str, int]] = {pk: {} for pk in workflow_ids}
    for row in rows:
        found[row["workflow_id"]][row["shown"]] = row["count"]
    return found


def version(workflow: Workflow) -> int:
    """A number (32 bits) that changes with each change of the workflow, its nodes or its tasks."""
    nodes = workflow.nodes.order_by("number").values_list("status", "task_id", "task__events")
    state = (workflow.status, workflow.reason, workflow.cancel_asked_at, workflow.finished_at, list(nodes))
    return zlib.crc32(repr(state).encode())


def tree(workflow: Workflow) -> dict[str, Any]:
    """The nodes of a workflow, nested as in its definition: each with its status, tasks also with result and error.

    Results are included up to TANDEM_MAX_RESULT_BYTES in total. `result_left_out` marks a node whose result is left
    out; the task itself has it.
    """
    rows = list(
        workflow.nodes.order_by("number")
        .annotate(shown=_SHOWN_STATUS, job=F("task__job"), error=F("task__error"), reason=F("task__reason"))
        .values("number", "parent", "role", "kind", "name", "shown", "task_id", "job", "error", "reason")
    )
    results = _results([row["task_id"] for row in rows if row["shown"] == Status.COMPLETED and row["task_id"]])
    nodes: dict[int, dict[str, Any]] = {}
    for row in rows:
        node = nodes[row["number"]] = _node(row, results)
        if row["parent"] is None:
            continue
        parent = nodes[row["parent"]]
        if row["role"] == NodeRole.MEMBER:
            parent["members"].append(node)
        else:
            parent[row["role"]] = node
    return nodes[0]


def _node(row: Mapping[str, Any], results: Mapping[int, Json]) -> dict[str, Any]:
    node: dict[str, Any] = {"kind": row["kind"], "name": row["name"], "status": row["shown"]}
    if row["kind"] != NodeKind.TASK:
        return node | {"members": []}
    left_out = row["shown"] == Status.COMPLETED and row["task_id"] is not None and row["task_id"] not in results
    return node | {
        "task": row["task_id"],
        "job": row["job"] or "",
        "reason": row["reason"] or "",
        "error": row["error"] or "",
        "result": results.get(row["task_id"]),
        "result_left_out": left_out,
    }


def _results(task_ids: list[int]) -> dict[int, Json]:
    """The results of the tasks, in order, up to TANDEM_MAX_RESULT_BYTES in total."""
    found: dict[int, Json] = {}
    size = 0
    for first in range(0, len(task_ids), _AT_ONCE):
        some = Task.objects.filter(pk__in=task_ids[first : first + _AT_ONCE]).order_by("pk")
        for pk, result in some.values_list("pk", "result"):
            size += len(json.dumps(result, ensure_ascii=False).encode())
            if size > settings.TANDEM_MAX_RESULT_BYTES:
                return found
            found[pk] = result
    return found
