"""Reading workflows: how many of their tasks stand where, and the whole of one as a tree."""

from __future__ import annotations

import json
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
# Where a task stands. What was not needed was cancelled as a task; in the workflow it says that it was not needed.
_STANDING: Final = Case(
    When(status=Status.SKIPPED, then=Value(Status.SKIPPED.value)),
    default=Coalesce("task__status", "status"),
    output_field=CharField(),
)


def counts(workflow_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """For each workflow, how many of its tasks are in which status; callbacks are counted too."""
    tasks = WorkflowNode.objects.filter(workflow__in=workflow_ids, kind=NodeKind.TASK)
    rows = tasks.order_by().annotate(standing=_STANDING).values("workflow_id", "standing").annotate(count=Count("pk"))
    found: dict[int, dict[str, int]] = {pk: {} for pk in workflow_ids}
    for row in rows:
        found[row["workflow_id"]][row["standing"]] = row["count"]
    return found


def tree(workflow: Workflow) -> dict[str, Any]:
    """The nodes of a workflow as they were asked for, each with its status, and tasks with what they came to.

    Results are there as long as they are not more than TANDEM_MAX_RESULT_BYTES together; where one was left out,
    `result_left_out` says so, and the task has it.
    """
    rows = list(
        workflow.nodes.order_by("number")
        .annotate(standing=_STANDING, job=F("task__job"), error=F("task__error"), reason=F("task__reason"))
        .values("number", "parent", "role", "kind", "name", "standing", "task_id", "job", "error", "reason")
    )
    results = _results([row["task_id"] for row in rows if row["standing"] == Status.COMPLETED and row["task_id"]])
    shown: dict[int, dict[str, Any]] = {}
    for row in rows:
        node = shown[row["number"]] = _shown(row, results)
        if row["parent"] is None:
            continue
        parent = shown[row["parent"]]
        if row["role"] == NodeRole.MEMBER:
            parent["members"].append(node)
        else:
            parent[row["role"]] = node
    return shown[0]


def _shown(row: Mapping[str, Any], results: Mapping[int, Json]) -> dict[str, Any]:
    node: dict[str, Any] = {"kind": row["kind"], "name": row["name"], "status": row["standing"]}
    if row["kind"] != NodeKind.TASK:
        return node | {"members": []}
    left_out = row["standing"] == Status.COMPLETED and row["task_id"] is not None and row["task_id"] not in results
    return node | {
        "task": row["task_id"],
        "job": row["job"] or "",
        "reason": row["reason"] or "",
        "error": row["error"] or "",
        "result": results.get(row["task_id"]),
        "result_left_out": left_out,
    }


def _results(task_ids: list[int]) -> dict[int, Json]:
    """The results of the tasks, in order, until it is too much."""
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
