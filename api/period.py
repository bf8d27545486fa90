"""How are a time and the shares of a histogram asked for and shown, wherever something is counted by the hour?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from rest_framework import serializers

from api.fields import Instant, StrictSerializer
from scheduling.lateness import Histogram

# The time that is shown where none is asked for.
SHOWN: Final = timedelta(days=1)


class PeriodInput(StrictSerializer):
    """Which hours: `from` and `to`."""

    to = Instant(required=False, help_text="Only hours that begin before this; now if it is missing.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` cannot be the name of an attribute.
        since = Instant(required=False, help_text="Only hours that begin at this or later; a day before `to`.")
        return {"from": since, **super().get_fields()}


class PeriodOutput(serializers.Serializer[Any]):
    """Which hours these are."""

    to = Instant()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # As above.
        return {"from": Instant(), **super().get_fields()}


class SharesOutput(serializers.Serializer[Any]):
    """`p50`, `p95` and `p99` are the bounds in seconds that so many hundredths keep to; null where there is none."""

    count = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


def period(asked: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """From when and until when, by the values of a PeriodInput."""
    until = asked.get("to", timezone.now())
    return asked.get("from", until - SHOWN), until


def shares(found: Histogram) -> dict[str, float | None]:
    """The values of a SharesOutput."""
    bounds = {name: found.at_most(share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}
    return {"count": found.total, **bounds}
