"""How is lateness asked for and shown?"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.fields import Text
from api.period import PeriodInput, PeriodOutput, SharesOutput


class LatenessInput(PeriodInput):
    """Of which time, and of which backend."""

    backend = Text(
        required=False, max_length=50, help_text="Only what this backend woke; `upkeep` is what stood in for one."
    )


class LatenessBucketOutput(serializers.Serializer[Any]):
    """How many were later than the bucket before says, and at most as late as this one."""

    at_most = serializers.FloatField(allow_null=True, help_text="Seconds; null in the last bucket, which has no bound.")
    count = serializers.IntegerField()


class LatenessOutput(PeriodOutput, SharesOutput):
    """How many were handed over, the bounds that shares of them keep to, and all buckets."""

    buckets = LatenessBucketOutput(many=True)
