"""How are statistics asked for and shown?"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.fields import Choice, Text
from api.period import PeriodInput, PeriodOutput, SharesOutput
from scheduling.statistics import GROUPS


class StatisticsInput(PeriodInput):
    """By what, and of which time."""

    by = Choice(choices=[*GROUPS, "hour"], default="job", help_text="What makes a group.")
    name = Text(required=False, max_length=100, help_text="Only this job, queue or schedule; with `hour` this job.")


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


class StatisticsOutput(PeriodOutput):
    """All groups of which something ended, by name."""

    by = serializers.CharField()
    groups = GroupOutput(many=True)
