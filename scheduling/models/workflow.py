"""Tasks that depend on each other."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from scheduling.lifecycle import Status
from scheduling.models.schedule import Schedule
from scheduling.models.task import STATUSES, Task


class NodeKind(models.TextChoices):
    """What a node does with its members."""

    TASK = "task"
    CHAIN = "chain"
    GROUP = "group"
    CHORD = "chord"


class NodeRole(models.TextChoices):
    """What a node is to its parent."""

    ROOT = "root"
    MEMBER = "member"
    CALLBACK = "callback"
    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"


class Workflow(models.Model):
    """A whole: RUNNING until nothing of it can run any more.

    Whoever moves one of its nodes holds the lock of this row.
    """

    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    definition = models.JSONField(help_text="As it was asked for.")
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
    # Unique: a task that is run again starts no second one.
    started_by = models.OneToOneField(
        Task, null=True, blank=True, on_delete=models.SET_NULL, related_name="started_workflow"
    )
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["status", "-id"], name="tandem_workflow_by_status"),
            models.Index(fields=["schedule"], name="tandem_workflow_open", condition=Q(status=Status.RUNNING.value)),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class WorkflowNode(models.Model):
    """A chain, a group, a chord, or a task of a workflow.

    SCHEDULED until its turn comes, then RUNNING; SKIPPED where it was not needed, as what runs on failure after
    success. Numbered from the top down: a node and all below it are the numbers from `number` to `last`.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="nodes", db_index=False)
    number = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    parent = models.PositiveIntegerField(null=True, blank=True, help_text="The number of the node it belongs to.")
    role = models.CharField(max_length=10, choices=NodeRole)
    kind = models.CharField(max_length=5, choices=NodeKind)
    name = models.CharField(max_length=200, default="", blank=True)
    status = models.CharField(max_length=10, choices=STATUSES)
    task = models.OneToOneField(Task, null=True, blank=True, on_delete=models.SET_NULL, related_name="workflow_node")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workflow", "number"], name="tandem_one_node_per_number")]
        indexes = [
            # Whether a parent still has open members, and whether anything of the whole still runs.
            models.Index(fields=["workflow", "status", "parent"], name="tandem_workflow_node_standing"),
            # What upkeep compares with the ledger.
            models.Index(
                fields=["task"], name="tandem_workflow_node_running", condition=Q(status=Status.RUNNING.value)
            ),
        ]

    def __str__(self) -> str:
        return f"node {self.number} of workflow {self.workflow_id}"
