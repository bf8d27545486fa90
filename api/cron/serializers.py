"""How is the description of an expression asked for, and how is it shown?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.advice import WarningOutput
from api.fields import Interval, StrictSerializer, Text, Whole
from api.schedules.serializers import OccurrenceOutput, occurrence
from scheduling.review.expression import MOST_NEXT, OnBackend, Review
from scheduling.timing.frequency import Frequency
from scheduling.timing.zones import tzdata_version

FORMS = ["auto", "user", "system"]


class DescribeInput(StrictSerializer):
    """A cron expression or an interval, and its time zone."""

    cron = Text(required=False, trim_whitespace=False, max_length=10_000, help_text="Five fields, or @daily.")
    every = Interval(required=False)
    timezone = Text(default="UTC", max_length=64, help_text="An IANA name.")
    count = Whole(default=5, min_value=1, max_value=MOST_NEXT, help_text="How many next occurrences.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("cron" in attrs) == ("every" in attrs):
            raise refused("cron", "A trigger is required: write exactly one of `cron` and `every`.")
        return attrs


class OnBackendOutput(serializers.Serializer[OnBackend]):
    """What a backend would install. The entries show 0 as the schedule's id."""

    backend = serializers.CharField()
    entries = serializers.SerializerMethodField()
    refused_because = serializers.ListField(
        child=serializers.CharField(), help_text="Why the backend cannot hold the trigger; empty if it can."
    )

    def get_entries(self, where: OnBackend) -> list[str]:
        return [entry.text for entry in where.entries]


class RunsOutput(serializers.Serializer[Frequency]):
    """How often the trigger runs in the next 365 days. Gaps are in seconds; null if there are fewer than two runs."""

    per_day = serializers.FloatField(help_text="On average.")
    per_year = serializers.IntegerField()
    shortest_gap = serializers.SerializerMethodField()
    longest_gap = serializers.SerializerMethodField()

    def get_shortest_gap(self, runs: Frequency) -> int | None:
        return _seconds(runs.shortest_gap)

    def get_longest_gap(self, runs: Frequency) -> int | None:
        return _seconds(runs.longest_gap)


class DescribeOutput(serializers.Serializer[Review]):
    """What a trigger means. `every` is null for an expression, and `expression` is empty for an interval."""

    expression = serializers.CharField()
    every = serializers.IntegerField(allow_null=True)
    timezone = serializers.CharField()
    language = serializers.SerializerMethodField()
    words = serializers.CharField()
    next_occurrences = serializers.SerializerMethodField()
    runs = RunsOutput(source="frequency")
    backends = OnBackendOutput(many=True)
    warnings = WarningOutput(many=True)
    tzdata = serializers.SerializerMethodField()

    def get_language(self, _: Review) -> str:
        return str(self.context["language"])

    @extend_schema_field(OccurrenceOutput(many=True))
    def get_next_occurrences(self, review: Review) -> list[dict[str, str]]:
        return [occurrence(at, review.timezone) for at in review.next_occurrences]

    def get_tzdata(self, _: Review) -> str:
        return tzdata_version()


def _seconds(gap: timedelta | None) -> int | None:
    return None if gap is None else int(gap.total_seconds())


def refused(name: str, message: str) -> serializers.ValidationError:
    """A validation error for one member of the request."""
    return serializers.ValidationError({name: [serializers.ErrorDetail(message, "invalid")]})
