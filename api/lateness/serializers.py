"""How is lateness asked for and shown?"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.fields import Instant, StrictSerializer, Text


class LatenessInput(StrictSerializer):
    """Of which time, and of which backend."""

    to = Instant(required=False, help_text="Only hours that begin before this; now if it is missing.")
    backend = Text(
        required=False, max_length=50, help_text="Only what this backend woke; `upkeep` is what stood in for one."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` cannot be the name of an attribute.
        since = Instant(required=False, help_text="Only hours that begin at this or later; a day before `to`.")
        return {"from": since, **super().get_fields()}


class LatenessBucketOutput(serializers.Serializer[Any]):
    """How many were later than the bucket before says, and at most as late as this one."""

    at_most = serializers.FloatField(allow_null=True, help_text="Seconds; null in the last bucket, which has no bound.")
    count = serializers.IntegerField()


class LatenessOutput(serializers.Serializer[Any]):
    """`p50`, `p95` and `p99` are the bounds in seconds that so many hundredths keep to; null where there is none."""

    to = Instant()
    count = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)
    buckets = LatenessBucketOutput(many=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # As above.
        return {"from": Instant(), **super().get_fields()}
