"""How is a schedule asked for, and how is it shown?"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.advice import RunsPerYearOutput, WarningOutput
from api.fields import (
    Choice,
    ExecutionInput,
    Flag,
    Instant,
    Interval,
    Retries,
    Seconds,
    StrictSerializer,
    Text,
    Whole,
    utc_text,
)
from api.masking import ShownParameters
from api.owned import ActorOutput, OwnedInput, OwnedOutput
from api.rows import RowOutput
from scheduling import clock, host_states, keys, queries, schedules, skip_and_backfill
from scheduling.backend import backend
from scheduling.errors import InvalidTrigger
from scheduling.hosts import OVERDUE_AFTER
from scheduling.models import CatchUp, DatabaseAway, OnHostLost, Overlap, Schedule, SyncState
from scheduling.review.advice import runs_in_a_year, warnings_about
from scheduling.timing import zone
from scheduling.words import DEFAULT, describe

# Enough to see the rhythm in a list of schedules; /occurrences/ has the others.
SHOWN_NEXT = 5
HOST_STATES: Final = ["", "alive", "silent"]
# The columns that say when a schedule is due.
_TRIGGER: Final = ("cron", "every", "anchor", "timezone")


class ScheduleInput(OwnedInput, ExecutionInput):
    """What is asked of a schedule: a job, and either `cron` or `every`."""

    key = Text(
        required=False, max_length=keys.LONGEST, help_text="Unique for its owner; made from the name if not given."
    )
    name = Text(max_length=200)
    description = Text(required=False, allow_blank=True, max_length=10_000)
    job = Text(max_length=100, help_text="A name from /api/jobs/.")
    parameters = serializers.JSONField(required=False, help_text="An object that fits the job's schema.")
    cron = Text(
        required=False, allow_blank=True, trim_whitespace=False, max_length=1000, help_text="Five fields, or @daily."
    )
    every = Interval(required=False, allow_null=True)
    timezone = Text(required=False, max_length=64, help_text="An IANA name; UTC if not given.")
    starts_at = Instant(required=False, allow_null=True)
    ends_at = Instant(required=False, allow_null=True)
    backend = Text(required=False, max_length=50, help_text="beat, crontab or auto (the default).")
    executor = Text(required=False, max_length=50, help_text="worker, inline or auto (the default).")
    host = Text(required=False, allow_blank=True, max_length=253, help_text="The machine whose crontab holds it.")
    overlap = Choice(choices=Overlap.choices, required=False)
    catch_up = Choice(choices=CatchUp.choices, required=False)
    catch_up_window = Seconds(required=False)
    grace = Seconds(required=False)
    on_host_lost = Choice(choices=OnHostLost.choices, required=False)
    database_away = Choice(
        choices=DatabaseAway.choices,
        required=False,
        help_text="What the host does with an occurrence that is due while the database is away.",
    )
    paused = Flag(required=False)


class OccurrenceOutput(serializers.Serializer[datetime]):
    """One point in time, in the schedule's time zone and in UTC."""

    local = serializers.CharField(help_text="With the offset at that time, so that a clock change shows.")
    utc = Instant()


class RoutingOutput(serializers.Serializer[Schedule]):
    """Which backend, executor and host the schedule has, and why."""

    backend = serializers.CharField()
    executor = serializers.CharField()
    host = serializers.CharField()
    reason = serializers.CharField()


class SyncOutput(serializers.Serializer[Schedule]):
    """Whether the native entries fit the schedule, and if not, why."""

    state = serializers.ChoiceField(choices=SyncState.choices)
    reason = serializers.CharField()
    host = serializers.ChoiceField(
        choices=HOST_STATES, help_text="Whether its host gives signs of life; empty without a host."
    )
    overdue = serializers.BooleanField(help_text="Whether it is due for 90 seconds, and nobody has decided.")


class ScheduleOutput(OwnedOutput, RowOutput[Schedule]):
    """A schedule: what was asked for, the trigger in plain words, the next occurrences, and what is installed where.

    The time zone data of this machine may be older than that of the one that stored the schedule. If the zone is not
    known here, the words say so, and what follows from the trigger is left out: others are shown all the same.
    """

    parameters = ShownParameters()
    every = Interval(allow_null=True)
    starts_at = Instant(allow_null=True)
    ends_at = Instant(allow_null=True)
    catch_up_window = Seconds()
    grace = Seconds()
    soft_timeout = Interval(allow_null=True)
    timeout = Interval(allow_null=True)
    retries = Retries()
    changed_by = ActorOutput(allow_null=True, read_only=True)
    created_at = Instant()
    updated_at = Instant()
    words = serializers.SerializerMethodField(help_text="The trigger in plain words.")
    next_occurrences = serializers.SerializerMethodField()
    routing = serializers.SerializerMethodField()
    entries = serializers.SerializerMethodField(help_text="The native entries that the backend must hold, as text.")
    wasted_wake_ups = serializers.SerializerMethodField(
        help_text="How many wake-ups by these entries find nothing due, in a year; null where none costs anything."
    )
    sync = serializers.SerializerMethodField()

    reads = {
        **OwnedOutput.reads,
        "changed_by": tuple(f"changed_by__{name}" for name in ActorOutput.Meta.fields),
        "parameters": ("job", "parameters"),
        "words": _TRIGGER,
        "next_occurrences": (
            *_TRIGGER, "overlap", "catch_up", "catch_up_window", "grace", "starts_at", "ends_at", "cursor",
            "next_due_at",
        ),
        "routing": ("routed_to", "runs_on", "host", "routing_reason"),
        "sync": ("sync_state", "sync_error", "host", "next_due_at"),
    }  # fmt: skip

    class Meta:
        model = Schedule
        fields = [
            "id", "key", "name", "description", "job", "parameters", "cron", "every", "timezone", "words",
            "next_occurrences", "starts_at", "ends_at", "backend", "executor", "routing", "entries", "wasted_wake_ups",
            "sync", "overlap", "catch_up", "catch_up_window", "grace", "database_away", "on_host_lost", "priority",
            "queue", "limit_key", "retries", "soft_timeout", "timeout", "on_lost", "paused", "owner", "tags", "version",
            "created_by", "created_at", "changed_by", "updated_at",
        ]  # fmt: skip

    def get_words(self, schedule: Schedule) -> str:
        try:
            return describe(schedule.trigger, language=self.context.get("language", DEFAULT))
        except InvalidTrigger as exc:
            return exc.detail

    @extend_schema_field(OccurrenceOutput(many=True))
    def get_next_occurrences(self, schedule: Schedule) -> list[dict[str, str]]:
        try:
            return [occurrence(at, schedule.timezone) for at in queries.next_occurrences(schedule, count=SHOWN_NEXT)]
        except InvalidTrigger:
            return []

    @extend_schema_field(RoutingOutput)
    def get_routing(self, schedule: Schedule) -> dict[str, str]:
        return {
            "backend": schedule.routed_to,
            "executor": schedule.runs_on,
            "host": schedule.host,
            "reason": schedule.routing_reason,
        }

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_entries(self, schedule: Schedule) -> list[str]:
        if schedule.next_due_at is None:
            return []
        try:
            return [entry.text for entry in backend(schedule.routed_to).entries(schedule)]
        except InvalidTrigger:
            return []

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_wasted_wake_ups(self, schedule: Schedule) -> int | None:
        if schedule.next_due_at is None:
            return None
        try:
            return backend(schedule.routed_to).wasted_wake_ups(schedule)
        except InvalidTrigger:
            return None

    @extend_schema_field(SyncOutput)
    def get_sync(self, schedule: Schedule) -> dict[str, Any]:
        late = schedule.next_due_at is not None and clock.estimate() - schedule.next_due_at >= OVERDUE_AFTER
        return {
            "state": schedule.sync_state,
            "reason": schedule.sync_error,
            "host": self._state_of(schedule.host),
            "overdue": late,
        }

    def _state_of(self, host: str) -> str:
        """`alive`, `silent`, or empty without a host. Asked once for all schedules of a list."""
        if not host:
            return ""
        # All serializers of one answer share this dictionary.
        shared = cast("dict[str, Any]", self.context)
        if "silent" not in shared:
            shared["silent"] = host_states.silent_names()
        return "silent" if host in shared["silent"] else "alive"


class AnsweredSchedule(ScheduleOutput):
    """A schedule that this request created or changed. The serializer's context has its runs `before` the change."""

    warnings = serializers.SerializerMethodField()
    runs_per_year = serializers.SerializerMethodField()

    class Meta(ScheduleOutput.Meta):
        fields = [*ScheduleOutput.Meta.fields, "warnings", "runs_per_year"]

    @extend_schema_field(WarningOutput(many=True))
    def get_warnings(self, schedule: Schedule) -> Any:
        found: Any = warnings_about(schedule, now=clock.estimate())  # the type stubs do not know the argument `many`
        return WarningOutput(found, many=True, context=self.context).data

    @extend_schema_field(RunsPerYearOutput)
    def get_runs_per_year(self, schedule: Schedule) -> dict[str, int | None]:
        before: int | None = self.context["before"]
        return {"before": before, "after": runs_in_a_year(schedule, now=clock.estimate())}


class ScheduledOccurrence(serializers.Serializer[Any]):
    """A past or future occurrence. A past one has a task."""

    due_at = Instant()
    status = serializers.SerializerMethodField(help_text="The status of the task; DUE if there is no task yet.")
    task = serializers.SerializerMethodField(help_text="The id of the task; null if there is no task yet.")

    def get_status(self, found: queries.Occurrence) -> str:
        return found.task.status if found.task else "DUE"

    def get_task(self, found: queries.Occurrence) -> int | None:
        return found.task.pk if found.task else None


class DeletionOutput(serializers.Serializer[schedules.Deletion]):
    """What became of the tasks of a schedule that was deleted."""

    cancelled = serializers.ListField(child=serializers.IntegerField(), help_text="Tasks that waited.")
    running = serializers.ListField(
        child=serializers.IntegerField(), help_text="Tasks that run: they go on to their end, and are not retried."
    )


class SkipInput(StrictSerializer):
    """How many occurrences are left out."""

    count = Whole(min_value=1, max_value=skip_and_backfill.MOST)


class BackfillInput(StrictSerializer):
    """The time whose occurrences run after all."""

    to = Instant(help_text="The last instant; a past one.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a keyword of Python, so it cannot be the name of an attribute.
        return {"from": Instant(help_text="The first instant."), **super().get_fields()}


class ChosenOutput(serializers.Serializer[Any]):
    """The occurrences that are left out, or run, in order."""

    occurrences = serializers.ListField(child=Instant())


class Window(StrictSerializer):
    """The start and the end of a period."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a keyword of Python, so it cannot be the name of an attribute.
        return {"from": Instant(required=False), "to": Instant(required=False)}


class MoveInput(StrictSerializer):
    """The backend to which a schedule moves."""

    backend = Text(max_length=50)


def occurrence(at: datetime, timezone: str) -> dict[str, str]:
    """A time as OccurrenceOutput shows it, in `timezone` and in UTC."""
    return {"local": at.astimezone(zone(timezone)).isoformat(), "utc": utc_text(at)}
