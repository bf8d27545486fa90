"""How is a task asked for, and how are tasks, their attempts and their events shown?"""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.fields import ExecutionInput, Instant, Interval, Progress, Result, Retries, Text
from api.masking import ShownParameters
from api.owned import ActorOutput, OwnedInput, OwnedOutput, actor_of_tandem, shown_actor
from api.rows import RowOutput
from scheduling.events.log import kind_of_tandem
from scheduling.models import Task, TaskAttempt, TaskEvent, TaskLogLine


class TaskInput(OwnedInput, ExecutionInput):
    """What is asked of a one-off task, which runs now or at a given time."""

    name = Text(max_length=200)
    description = Text(required=False, allow_blank=True, max_length=10_000)
    scheduled_time = Instant(required=False, allow_null=True, help_text="When to run it; at once if not given or past.")
    job = Text(
        required=False, max_length=100, help_text="A name from /api/jobs/; the setting TANDEM_DEFAULT_JOB if not given."
    )
    parameters = serializers.JSONField(required=False, help_text="An object that fits the job's schema.")
    executor = Text(required=False, max_length=50, help_text="worker (the default) or inline.")
    host = Text(required=False, allow_blank=True, max_length=253, help_text="The machine that runs an inline task.")
    expires = Instant(
        required=False, allow_null=True, help_text="If the task has not started by then, it is cancelled."
    )


class TaskOutput(OwnedOutput, RowOutput[Task]):
    """A task. `result` is null until the job returns. `error` is the last failure; a completed task has none."""

    schedule = serializers.IntegerField(source="schedule_id", allow_null=True)
    parameters = ShownParameters()
    due_at = Instant(allow_null=True)
    created_at = Instant()
    started_at = Instant(allow_null=True)
    finished_at = Instant(allow_null=True)
    scheduled_time = Instant(
        source="due_at", allow_null=True, help_text="When it was to run; null for a task that was to run at once."
    )
    waits_until = Instant(
        source="wait_until", allow_null=True, help_text="While it waits for a time: when it is queued, or tried again."
    )
    expires = Instant(allow_null=True)
    soft_timeout = Interval(allow_null=True)
    timeout = Interval(allow_null=True)
    retries = Retries()
    progress = Progress(read_only=True)
    result = Result(read_only=True)
    ran_on = serializers.SerializerMethodField(help_text="The process and the machine of the last attempt.")

    reads = {
        **OwnedOutput.reads,
        "created_by": (*OwnedOutput.reads["created_by"], "woken_by"),
        "parameters": ("job", "parameters"),
        "ran_on": ("events", "attempts"),
    }

    class Meta:
        model = Task
        fields = [
            "id", "schedule", "name", "description", "job", "parameters", "status", "reason", "due_at", "woken_by",
            "scheduled_time", "waits_until", "expires", "executor", "host", "priority", "queue", "limit_key",
            "waits_for_limit", "retries",
            "soft_timeout", "timeout", "on_lost", "attempt", "progress", "result", "error", "ran_on", "owner", "tags",
            "created_by", "created_at", "started_at", "finished_at",
        ]  # fmt: skip

    @extend_schema_field(ActorOutput)
    def get_created_by(self, row: Any) -> Any:
        # What woke it, where nobody asked for it.
        return super().get_created_by(row) or actor_of_tandem(row.woken_by)

    def get_ran_on(self, task: Task) -> str:
        # A task with one event was just stored: it has no attempt, and none is asked for.
        if task.events == 1:
            return ""
        attempts = sorted(task.attempts.all(), key=lambda attempt: attempt.number)
        return attempts[-1].worker if attempts else ""


class TriggeredOutput(TaskOutput):
    """A task that this request created or queued. The serializer's context has its `delivery`."""

    delivery = serializers.SerializerMethodField(
        help_text="`sent`, or what the task waits for; then each queue that no worker takes."
    )

    class Meta(TaskOutput.Meta):
        fields = [*TaskOutput.Meta.fields, "delivery"]

    def get_delivery(self, task: Task) -> str:
        return str(self.context["delivery"])


class AttemptOutput(serializers.ModelSerializer[TaskAttempt]):
    """One run of a task."""

    started_at = Instant()
    ended_at = Instant(allow_null=True)

    class Meta:
        model = TaskAttempt
        fields = ["number", "status", "executor", "worker", "started_at", "ended_at", "error", "traceback"]


class EventOutput(serializers.ModelSerializer[TaskEvent]):
    """An event of a task. `event` is its number within the task."""

    event = serializers.IntegerField(source="number")
    at = Instant()
    actor = serializers.SerializerMethodField(help_text="Who did it; what woke the task; or the worker that ran it.")

    class Meta:
        model = TaskEvent
        fields = ["event", "at", "status", "detail", "actor"]

    @extend_schema_field(ActorOutput)
    def get_actor(self, event: TaskEvent) -> Any:
        if event.actor is not None:
            return shown_actor(event.actor)
        return actor_of_tandem(kind_of_tandem(event))


class LogLineOutput(serializers.ModelSerializer[TaskLogLine]):
    """A line that the job logged."""

    at = Instant()

    class Meta:
        model = TaskLogLine
        fields = ["attempt", "at", "level", "message"]


class StatusOutput(serializers.ModelSerializer[Task]):
    """The current state of a task, in short."""

    event = serializers.IntegerField(source="events", help_text="The number of its last event.")
    progress = Progress(read_only=True)
    result = Result(read_only=True)

    class Meta:
        model = Task
        fields = ["id", "event", "status", "progress", "result", "error"]
