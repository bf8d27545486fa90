"""How is a workflow asked for, and how is it shown?"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.fields import Instant, Text
from api.owned import OwnedInput, OwnedOutput
from api.rows import RowOutput
from scheduling.lifecycle import Status
from scheduling.models import Workflow
from scheduling.workflows import tree

_DEFINITION = {
    "type": "object",
    "description": (
        "A task ({job, parameters, name, description, priority, queue, limit_key, retries, soft_timeout, timeout, "
        "on_lost, executor, host}), or {chain: [...]}, {group: [...]}, {chord: {group: [...], callback: {...}}}; "
        "these three may have a name. Each may have on_success and on_failure. In the parameters of a task, "
        '{"$result": true} stands for the result that is handed on to it, and {"$error": true} for the error.'
    ),
    "examples": [
        {
            "chain": [
                {"job": "http.fetch", "parameters": {"url": "https://example.org/orders.json"}},
                {"job": "xml.to_json", "parameters": {"text": {"$result": "text"}}},
            ],
            "on_failure": {"job": "demo.process_data"},
        }
    ],
}
_TREE = {
    "type": "object",
    "description": (
        "A node with its status. Its members, callback, on_success and on_failure are nodes, too. A task also has task "
        "(its id), job, reason, error, result, and result_left_out if the results are too large for one answer."
    ),
    "required": ["kind", "name", "status"],
    "properties": {
        "kind": {"type": "string", "enum": ["task", "chain", "group", "chord"]},
        "name": {"type": "string"},
        "status": {"type": "string", "enum": [status.value for status in Status]},
        "members": {"type": "array", "items": {"type": "object"}},
        "callback": {"type": "object"},
        "on_success": {"type": "object"},
        "on_failure": {"type": "object"},
        "task": {"type": ["integer", "null"]},
        "job": {"type": "string"},
        "reason": {"type": "string"},
        "error": {"type": "string"},
        "result": {},
        "result_left_out": {"type": "boolean"},
    },
}


@extend_schema_field(_DEFINITION)
class Definition(serializers.JSONField):
    """Nested JSON. scheduling.workflows checks it."""


class WorkflowInput(OwnedInput):
    """What is asked of a workflow: its name, and a tree of tasks that depend on each other."""

    name = Text(max_length=200)
    description = Text(required=False, allow_blank=True, max_length=10_000)
    workflow = Definition()


class WorkflowOutput(OwnedOutput, RowOutput[Workflow]):
    """A workflow in short. The serializer's context has the `counts` of the workflows."""

    schedule = serializers.IntegerField(source="schedule_id", allow_null=True)
    started_by = serializers.IntegerField(
        source="started_by_id", allow_null=True, help_text="The id of the task that started it, or null."
    )
    created_at = Instant()
    finished_at = Instant(allow_null=True)
    counts = serializers.SerializerMethodField(help_text="How many of its tasks are in each status.")

    reads = {**OwnedOutput.reads, "counts": ("id",)}

    class Meta:
        model = Workflow
        fields = [
            "id", "name", "description", "status", "reason", "counts", "schedule", "started_by", "owner", "tags",
            "created_by", "created_at", "finished_at",
        ]  # fmt: skip

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_counts(self, workflow: Workflow) -> dict[str, int]:
        return dict(self.context["counts"][workflow.pk])


class WorkflowTree(WorkflowOutput):
    """A workflow with the tree of all its nodes."""

    workflow = serializers.SerializerMethodField()

    class Meta(WorkflowOutput.Meta):
        fields = [*WorkflowOutput.Meta.fields, "workflow"]

    @extend_schema_field(_TREE)
    def get_workflow(self, workflow: Workflow) -> dict[str, Any]:
        return tree.tree(workflow)


class AskedWorkflow(WorkflowTree):
    """A workflow that this request created or retried. The serializer's context has its `delivery`."""

    delivery = serializers.SerializerMethodField(
        help_text="`sent`, or what its first tasks wait for; then each queue that no worker takes."
    )

    class Meta(WorkflowTree.Meta):
        fields = [*WorkflowTree.Meta.fields, "delivery"]

    def get_delivery(self, workflow: Workflow) -> str:
        return str(self.context["delivery"])
