"""How is the preview of a change shown?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.advice import RunsPerYearOutput, WarningOutput
from api.fields import Instant, StrictSerializer, Whole
from api.schedules.serializers import OccurrenceOutput, occurrence
from scheduling.review.preview import MOST_DAYS, Preview, Version

SHOWN: int = 1_000
"""How many occurrences each list shows; `counts` counts all of them."""


class PreviewWindow(StrictSerializer):
    """How many days the preview covers."""

    days = Whole(default=7, min_value=1, max_value=MOST_DAYS)


class VersionOutput(serializers.Serializer[Version]):
    """The schedule as it is before or after the change."""

    words = serializers.CharField()
    timezone = serializers.CharField()
    backend = serializers.CharField()
    host = serializers.CharField()
    reason = serializers.CharField()
    entries = serializers.ListField(child=serializers.CharField())


class MovedOutput(serializers.Serializer[Any]):
    """An occurrence with its old and its new time."""

    before = OccurrenceOutput()
    after = OccurrenceOutput()


class PreviewOutput(serializers.Serializer[Preview]):
    """What the change would do. Each list shows the first 1,000 occurrences; `counts` counts all of them."""

    before = VersionOutput()
    after = VersionOutput()
    until = Instant(
        source="difference.until", help_text="The end of the preview: earlier than asked for if there are many runs."
    )
    warnings = WarningOutput(many=True, help_text="About the schedule as it would be.")
    runs_per_year = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    appear = serializers.SerializerMethodField()
    vanish = serializers.SerializerMethodField()
    moved = serializers.SerializerMethodField()

    @extend_schema_field(RunsPerYearOutput)
    def get_runs_per_year(self, found: Preview) -> dict[str, int]:
        return {"before": found.runs_before, "after": found.runs_after}

    @extend_schema_field(
        {
            "type": "object",
            "required": ["unchanged", "appear", "vanish", "moved"],
            "properties": {name: {"type": "integer"} for name in ("unchanged", "appear", "vanish", "moved")},
        }
    )
    def get_counts(self, found: Preview) -> dict[str, int]:
        one = found.difference
        return {
            "unchanged": one.unchanged,
            "appear": len(one.appear),
            "vanish": len(one.vanish),
            "moved": len(one.moved),
        }

    @extend_schema_field(OccurrenceOutput(many=True))
    def get_appear(self, found: Preview) -> list[dict[str, str]]:
        return _shown(found.difference.appear, found.after.timezone)

    @extend_schema_field(OccurrenceOutput(many=True))
    def get_vanish(self, found: Preview) -> list[dict[str, str]]:
        return _shown(found.difference.vanish, found.before.timezone)

    @extend_schema_field(MovedOutput(many=True))
    def get_moved(self, found: Preview) -> list[dict[str, Any]]:
        zones = found.before.timezone, found.after.timezone
        return [
            {"before": occurrence(before, zones[0]), "after": occurrence(after, zones[1])}
            for before, after in found.difference.moved[:SHOWN]
        ]


def _shown(times: tuple[datetime, ...], timezone: str) -> list[dict[str, str]]:
    return [occurrence(at, timezone) for at in times[:SHOWN]]
