"""How does the API read and show JSON values? Serializer fields, and a base class that refuses unknown members."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scheduling import durations
from scheduling.models import OnLost

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,30})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown members: a misspelt member must not be ignored silently."""

    def to_internal_value(self, data: Any) -> Any:
        faults: dict[str, Any] = {}
        values: Any = None
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as exc:
            if not isinstance(data, dict):
                raise
            faults = dict(exc.detail) if isinstance(exc.detail, dict) else {}
        writable = [name for name, field in self.fields.items() if not field.read_only]
        message = f"There is no such member: choose from {', '.join(writable)}."
        for name in data:
            if name not in writable:
                faults[name] = [serializers.ErrorDetail(message, "unknown")]
        if faults:
            raise serializers.ValidationError(faults)
        return values


class Text(serializers.CharField):
    """A JSON string. A number is refused, not read as its digits."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """`true` or `false`. Other values, such as "yes" or 1, are refused."""

    default_error_messages = {"invalid": "Write true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Whole(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """One of a few strings. The error message lists them."""

    default_error_messages = {"invalid_choice": "Write one of {known}."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", known=", ".join(map(str, self.choices)))
        return data


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": 0},
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "max": {"type": "integer"},
                    "base": {"type": "number"},
                    "factor": {"type": "number"},
                    "cap": {"type": "number"},
                    "jitter": {"type": "number"},
                },
            },
        ],
        "examples": [3, {"max": 5, "base": 2, "factor": 2, "cap": 600, "jitter": 0.1}],
    }
)
class Retries(serializers.JSONField):
    """How many retries, or an object that also says how long to wait. Members that it leaves out come from the job."""

    def to_internal_value(self, data: Any) -> Any:
        return {"max": data} if isinstance(data, int) and not isinstance(data, bool) else data


@extend_schema_field({"type": "string", "format": "date-time", "examples": ["2026-11-20T10:00:00Z"]})
class Instant(serializers.Field[datetime, object, str, Any]):
    """An RFC 3339 time with its offset. It is shown in UTC. Digits after the microseconds are cut."""

    default_error_messages = {"invalid": "Write an RFC 3339 time with its offset, such as 2026-11-20T10:00:00Z."}

    def to_internal_value(self, data: object) -> datetime:
        if not isinstance(data, str) or not _RFC3339.fullmatch(data):
            self.fail("invalid")
        try:
            return datetime.fromisoformat(data.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")

    def to_representation(self, value: datetime) -> str:
        return utc_text(value)


@extend_schema_field({"description": "What the job returned; null until it returns, and if it returns nothing."})
class Result(serializers.JSONField):
    """Any JSON value, including null. Read-only."""


@extend_schema_field(
    {
        "type": ["object", "null"],
        "required": ["done", "total", "message"],
        "properties": {"done": {"type": "integer"}, "total": {"type": "integer"}, "message": {"type": "string"}},
    }
)
class Progress(serializers.JSONField):
    """How far a running task has come, as its job last reported. Read-only."""


@extend_schema_field(
    {
        "oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "format": "duration"}],
        "examples": [300, "PT5M"],
    }
)
class Seconds(serializers.Field[timedelta, Any, int, Any]):
    """A duration: whole seconds, or ISO 8601 (`PT5M`). It is shown in seconds."""

    default_error_messages = {"invalid": durations.WHAT_TO_WRITE}

    def to_internal_value(self, data: Any) -> timedelta:
        try:
            return timedelta(seconds=self._seconds(data))
        except OverflowError:
            self.fail("invalid")

    def to_representation(self, value: timedelta) -> int:
        return int(value.total_seconds())

    def _seconds(self, data: object) -> int:
        try:
            return durations.seconds(data)
        except ValueError:
            self.fail("invalid")


@extend_schema_field(
    {
        "oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "format": "duration"}],
        "examples": [30, "PT30S"],
    }
)
class Interval(Seconds):
    """A duration of at least one second. Its value is a number of seconds, not a timedelta."""

    default_error_messages = {"out_of_range": "Write at least one second, and at most 2,147,483,647."}

    def to_internal_value(self, data: Any) -> Any:
        seconds = self._seconds(data)
        if not 1 <= seconds <= 2**31 - 1:
            self.fail("out_of_range")
        return seconds

    def to_representation(self, value: Any) -> int:
        return int(value)


def utc_text(value: datetime) -> str:
    """A time with a time zone as RFC 3339 text in UTC. Whole seconds have no fraction."""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


class ExecutionInput(StrictSerializer):
    """How a task must run: the same members for schedules and one-off tasks."""

    priority = Whole(required=False, help_text="0 to 9; 9 runs first. 5 if not given.")
    queue = Text(required=False, allow_blank=True, max_length=64, help_text="The queue of the workers that run it.")
    limit_key = Text(
        required=False, allow_blank=True, max_length=64, help_text="What the limits of a key go by: /api/limits/."
    )
    retries = Retries(required=False)
    soft_timeout = Interval(
        required=False, allow_null=True, help_text="After this long the job is interrupted; it can clean up and end."
    )
    timeout = Interval(required=False, allow_null=True, help_text="After this long the process of the task is ended.")
    on_lost = Choice(
        choices=OnLost.choices, required=False, help_text="What happens if the process dies while the task runs."
    )
