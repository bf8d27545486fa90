"""How are statistics asked for and shown?"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.fields import Choice, Instant, StrictSerializer, Text
from scheduling.statistics import GROUPS


class StatisticsInput(StrictSerializer):
    """By what, and of which time."""

    by = Choice(choices=[*GROUPS, "hour"], default="job", help_text="What makes a group.")
    name = Text(required=False, max_length=100, help_text="Only this job, queue or schedule; with `hour` this job.")
    to = Instant(required=False, help_text="Only hours that begin before this; now if it is missing.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` cannot be the name of an attribute.
        since = Instant(required=False, help_text="Only hours that begin at this or later; a day before `to`.")
        return {"from": since, **super().get_fields()}


class SharesOutput(serializers.Serializer[Any]):
    """`p50`, `p95` and `p99` are the bounds in seconds that so many hundredths keep to; null where there is none."""

    count = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class OutcomeCounts(serializers.Serializer[Any]):
    """How many tasks ended so."""

    COMPLETED = serializers.IntegerField()
    FAILED = serializers.IntegerField()
    CANCELLED = serializers.IntegerField()
    SKIPPED = serializers.IntegerField()
    MISSED = serializers.IntegerField()


class GroupOutput(serializers.Serializer[Any]):
    """What ended of one job, queue or schedule, or in one hour."""

    name = serializers.CharField()
    outcomes = OutcomeCounts()
    duration = SharesOutput()
    lateness = SharesOutput()


class StatisticsOutput(serializers.Serializer[Any]):
    """All groups of which something ended, by name."""

    by = serializers.CharField()
    to = Instant()
    groups = GroupOutput(many=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # As above.
        return {"from": Instant(), **super().get_fields()}
