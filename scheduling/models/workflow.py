"""Tasks that depend on each other."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from scheduling.lifecycle import Status
from scheduling.models.owned import Owned, indexes_of_owned
from scheduling.models.schedule import Schedule
from scheduling.models.task import STATUSES, Task
from scheduling.models.text_index import TextIndex


class NodeKind(models.TextChoices):
    """How a node runs its members."""

    TASK = "task"
    CHAIN = "chain"
    GROUP = "group"
    CHORD = "chord"


class NodeRole(models.TextChoices):
    """Which part of its parent a node is."""

    ROOT = "root"
    MEMBER = "member"
    CALLBACK = "callback"
    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"


class Workflow(Owned):
    """A workflow as a whole. It is RUNNING until none of its tasks can run any more.

    A process that changes one of its nodes must hold the lock of this row.
    """

    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    definition = models.JSONField(help_text="As requested.")
    status = models.CharField(max_length=10, choices=STATUSES, default=Status.RUNNING.value)
    reason = models.TextField(default="", blank=True, help_text="Why it failed or was cancelled.")
    schedule = models.ForeignKey(
        Schedule,
        null=True,
        blank=True,
        # As Task.schedule.
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="workflows",
        db_index=False,
    )
    # Unique: a task that runs again does not start a second workflow.
    started_by = models.OneToOneField(
        Task, null=True, blank=True, on_delete=models.SET_NULL, related_name="started_workflow"
    )
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            *indexes_of_owned("workflow"),
            models.Index(fields=["status", "id"], name="tandem_workflow_by_status"),
            models.Index(
                fields=["schedule", "id"], name="tandem_workflow_of_schedule", condition=Q(schedule__isnull=False)
            ),
            models.Index(fields=["created_at", "id"], name="tandem_workflow_created"),
            TextIndex(fields=["name"], name="tandem_workflow_named"),
            models.Index(fields=["schedule"], name="tandem_workflow_open", condition=Q(status=Status.RUNNING.value)),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class WorkflowNode(models.Model):
    """A chain, a group, a chord, or a task of a workflow.

    A node is SCHEDULED until its turn comes, then RUNNING. It is SKIPPED when it is not needed, like `on_failure` after
    a success. Nodes are numbered from the top down: `number` to `last` are the node and all nodes below it.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="nodes", db_index=False)
    number = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    parent = models.PositiveIntegerField(null=True, blank=True, help_text="The number of the parent node.")
    role = models.CharField(max_length=10, choices=NodeRole)
    kind = models.CharField(max_length=5, choices=NodeKind)
    name = models.CharField(max_length=200, default="", blank=True)
    status = models.CharField(max_length=10, choices=STATUSES)
    task = models.OneToOneField(Task, null=True, blank=True, on_delete=models.SET_NULL, related_name="workflow_node")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workflow", "number"], name="tandem_one_node_per_number")]
        indexes = [
            # For two queries: the open members of a parent, and the running nodes of a workflow.
            models.Index(fields=["workflow", "status", "parent"], name="tandem_workflow_node_standing"),
            # For upkeep, which compares these nodes with the ledger.
            models.Index(
                fields=["task"], name="tandem_workflow_node_running", condition=Q(status=Status.RUNNING.value)
            ),
        ]

    def __str__(self) -> str:
        return f"node {self.number} of workflow {self.workflow_id}"
