"""How tasks, their attempts and their events are shown."""

from rest_framework import serializers

from api.fields import Instant
from scheduling.models import Task, TaskAttempt, TaskEvent


class TaskOutput(serializers.ModelSerializer[Task]):
    """A task; `result` and `error` are empty until it has finished."""

    schedule = serializers.IntegerField(source="schedule_id", allow_null=True)
    due_at = Instant(allow_null=True)
    created_at = Instant()
    started_at = Instant(allow_null=True)
    finished_at = Instant(allow_null=True)
    ran_on = serializers.SerializerMethodField(help_text="The process of the last attempt, and its machine.")

    class Meta:
        model = Task
        fields = [
            "id", "schedule", "name", "description", "job", "parameters", "status", "reason", "due_at", "woken_by",
            "executor", "attempt", "progress", "result", "error", "ran_on", "created_at", "started_at", "finished_at",
        ]  # fmt: skip

    def get_ran_on(self, task: Task) -> str:
        attempts = sorted(task.attempts.all(), key=lambda attempt: attempt.number)
        return attempts[-1].worker if attempts else ""


class TriggeredOutput(TaskOutput):
    """A task that was just asked for; the context says how its `delivery` went."""

    delivery = serializers.SerializerMethodField(help_text="`sent`, or what it waits for.")

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
    """Something that happened to a task."""

    event = serializers.IntegerField(source="number")
    at = Instant()

    class Meta:
        model = TaskEvent
        fields = ["event", "at", "status", "detail"]


class StatusOutput(serializers.ModelSerializer[Task]):
    """Where a task stands, in short."""

    event = serializers.IntegerField(source="events", help_text="The number of its last event.")

    class Meta:
        model = Task
        fields = ["id", "event", "status", "progress", "result", "error"]
