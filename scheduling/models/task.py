"""One unit of work, and the attempts at it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from scheduling.lifecycle import OPEN, Status
from scheduling.models.duration_index import DurationIndex
from scheduling.models.execution_options import ExecutionOptions
from scheduling.models.owned import Owned, indexes_of_owned
from scheduling.models.schedule import Schedule
from scheduling.models.text_index import TextIndex
from scheduling.task_limits import LONGEST_TARGET

STATUSES = [(status.value, status.value) for status in Status]


class Task(Owned, ExecutionOptions):
    """A job with parameters, a status and a history: one-off, or one occurrence of a schedule."""

    schedule = models.ForeignKey(
        Schedule,
        null=True,
        blank=True,
        # The history of a schedule that was deleted keeps its id.
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="tasks",
        db_index=False,
    )
    workflow = models.ForeignKey(
        "tandem_scheduling.Workflow",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="tasks",
        db_index=False,
        help_text="The workflow that the task is a member of.",
    )
    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    job = models.CharField(max_length=100)
    parameters = models.JSONField(default=dict, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="The occurrence, or the time that was asked for.")
    woken_by = models.CharField(max_length=50, help_text="What created it: beat, crontab, upkeep, request, workflow.")

    status = models.CharField(max_length=10, choices=STATUSES)
    reason = models.TextField(default="", blank=True, help_text="Why it waits, or was skipped, missed or cancelled.")
    executor = models.CharField(max_length=50)
    host = models.CharField(max_length=253, default="", blank=True, help_text="The machine it must run on, if any.")
    attempt = models.PositiveSmallIntegerField(default=1, help_text="The number of the present attempt, or the next.")

    wait_until = models.DateTimeField(null=True, blank=True, help_text="When a waiting task is queued, or looked at.")
    expires = models.DateTimeField(null=True, blank=True, help_text="When a task that has not started is cancelled.")
    cancel_asked_at = models.DateTimeField(null=True, blank=True, help_text="When a running task was asked to stop.")
    send_at = models.DateTimeField(null=True, blank=True, help_text="When to hand it to its executor (again).")
    sends = models.PositiveSmallIntegerField(default=0)
    waits_for_limit = models.CharField(  # noqa: DJ001 - SQLite uses a partial index for what is not null only
        max_length=LONGEST_TARGET, null=True, blank=True, help_text="The limit that keeps a queued task from starting."
    )
    place_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when a place under that limit is kept for it; empty while it has none."
    )
    process = models.CharField(max_length=100, default="", blank=True, help_text="Which process runs it, by its key.")
    progress = models.JSONField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(default="", blank=True)
    events = models.PositiveIntegerField(default=0, help_text="The number of events, which is also the last number.")

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # The central rule of Tandem: an occurrence becomes at most one task, no matter what fires it.
            models.UniqueConstraint(fields=["schedule", "due_at"], name="tandem_one_task_per_occurrence"),
        ]
        indexes = [
            *indexes_of_owned("task"),
            # For the lists, which both databases read backwards (docs/decisions/indexes.md says what each costs). The
            # ids ascend: so PostgreSQL fills the pages of those with short values; with -id they would stay half empty.
            models.Index(fields=["schedule", "id"], name="tandem_task_of_schedule"),
            models.Index(fields=["status", "id"], name="tandem_task_by_status"),
            models.Index(fields=["job", "id"], name="tandem_task_by_job"),
            models.Index(fields=["executor", "id"], name="tandem_task_by_executor"),
            models.Index(fields=["woken_by", "id"], name="tandem_task_by_waker"),
            models.Index(fields=["created_at", "id"], name="tandem_task_created"),
            # Of what few tasks have: most are in the default queue and have the default priority.
            models.Index(fields=["queue", "id"], name="tandem_task_in_queue", condition=Q(queue__gt="")),
            models.Index(fields=["priority", "id"], name="tandem_task_by_priority", condition=~Q(priority=5)),
            # Written once, at the end.
            DurationIndex(fields=["started_at", "finished_at"], name="tandem_task_by_duration"),
            models.Index(fields=["due_at", "id"], name="tandem_task_due", condition=Q(due_at__isnull=False)),
            # Of finished tasks only: written once, and not with each move. TaskFilter looks through the open ones.
            TextIndex(fields=["name"], name="tandem_task_named", condition=Q(finished_at__isnull=False)),
            models.Index(
                fields=["workflow", "id"], name="tandem_task_of_workflow", condition=Q(workflow__isnull=False)
            ),
            models.Index(
                fields=["schedule"],
                name="tandem_task_open",
                condition=Q(status__in=sorted(status.value for status in OPEN)),
            ),
            models.Index(
                fields=["executor", "send_at"], name="tandem_task_to_send", condition=Q(status=Status.QUEUED.value)
            ),
            models.Index(fields=["wait_until"], name="tandem_task_waiting", condition=Q(wait_until__isnull=False)),
            models.Index(fields=["expires"], name="tandem_task_expires", condition=Q(expires__isnull=False)),
            models.Index(
                fields=["finished_at", "id"], name="tandem_task_finished", condition=Q(finished_at__isnull=False)
            ),
            models.Index(
                fields=["waits_for_limit", "-priority", "id"],
                name="tandem_task_over_limit",
                condition=Q(waits_for_limit__isnull=False),
            ),
            models.Index(fields=["process"], name="tandem_task_running", condition=Q(status=Status.RUNNING.value)),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class TaskAttempt(models.Model):
    """One run of a task's job, from claim to end."""

    # The constraint below is its index.
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=10, choices=STATUSES)
    executor = models.CharField(max_length=50)
    worker = models.CharField(max_length=300, help_text="Which process on which machine.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)
    traceback = models.TextField(default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="tandem_one_row_per_attempt")]
        indexes = [models.Index(fields=["worker", "task"], name="tandem_attempt_by_worker")]

    def __str__(self) -> str:
        return f"attempt {self.number} of task {self.task_id}"
