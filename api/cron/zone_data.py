"""`/api/cron/tzdata/`: which time zone data is in use, what its last change moved, and what the system's would move."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.fields import Choice, Instant, StrictSerializer
from api.schedules.preview import MovedOutput
from api.schedules.serializers import OccurrenceOutput, occurrence
from scheduling import processes, queries
from scheduling.models import Host, Process, ReplannedSchedule
from scheduling.review.preview import MOST_DAYS
from scheduling.review.zone_data import Comparison, MovedOccurrences, compare_with, last_change
from scheduling.roles import Role
from scheduling.timing.zones import system_files, tzdata_version

# Occurrences that each list of a schedule shows: enough to see the rhythm. `count` counts all of them.
SHOWN: Final = 20


class TzdataInput(StrictSerializer):
    """Whether to compare with other time zone data. Only the system's: a folder can be named on the command line."""

    against = Choice(choices=["system"], required=False)


class TzdataProcessOutput(serializers.Serializer[Process]):
    """A process that is alive, and the release that it plans by."""

    kind = serializers.CharField()
    host = serializers.CharField()
    pid = serializers.IntegerField()
    tzdata = serializers.CharField()


class TzdataHostOutput(serializers.Serializer[Host]):
    """A machine whose crontab we write: the zone of its cron, and the release of its system."""

    name = serializers.CharField()
    zone = serializers.CharField()
    tzdata = serializers.CharField()
    zone_differs = serializers.CharField(help_text="From when its clock differs from Tandem's rules, or empty.")


class ReplannedOutput(serializers.Serializer[ReplannedSchedule]):
    """A schedule whose next time the last change of the release moved; null for never."""

    schedule = serializers.IntegerField(source="schedule_id")
    name = serializers.CharField(source="schedule.name")
    timezone = serializers.CharField(source="schedule.timezone")
    due_before = Instant(allow_null=True)
    due_after = Instant(allow_null=True)
    tzdata_before = serializers.CharField(help_text="Empty for a release that was taken back.")
    tzdata_after = serializers.CharField()
    at = Instant()


class MovedScheduleOutput(serializers.Serializer[MovedOccurrences]):
    """A schedule that the other release would move. Each list has at most 20 occurrences; `count` counts all."""

    schedule = serializers.IntegerField(source="schedule.pk")
    name = serializers.CharField(source="schedule.name")
    timezone = serializers.CharField(source="schedule.timezone")
    count = serializers.SerializerMethodField()
    moved = serializers.SerializerMethodField()
    vanish = serializers.SerializerMethodField()
    appear = serializers.SerializerMethodField()

    def get_count(self, found: MovedOccurrences) -> int:
        one = found.difference
        return len(one.moved) + len(one.vanish) + len(one.appear)

    @extend_schema_field(MovedOutput(many=True))
    def get_moved(self, found: MovedOccurrences) -> list[dict[str, Any]]:
        local = found.schedule.timezone
        pairs = found.difference.moved[:SHOWN]
        return [{"before": occurrence(before, local), "after": occurrence(after, local)} for before, after in pairs]

    @extend_schema_field(OccurrenceOutput(many=True))
    def get_vanish(self, found: MovedOccurrences) -> list[dict[str, str]]:
        return [occurrence(at, found.schedule.timezone) for at in found.difference.vanish[:SHOWN]]

    @extend_schema_field(OccurrenceOutput(many=True))
    def get_appear(self, found: MovedOccurrences) -> list[dict[str, str]]:
        return [occurrence(at, found.schedule.timezone) for at in found.difference.appear[:SHOWN]]


class ComparisonOutput(serializers.Serializer[Comparison]):
    """What the release `against` would move up to `until`. `complete` is false when there is more than was compared."""

    against = serializers.CharField()
    until = Instant()
    complete = serializers.BooleanField()
    moved = MovedScheduleOutput(many=True)


class TzdataOutput(serializers.Serializer[Any]):
    """The release that triggers use, and everything about its changes. `comparison` is null unless asked for."""

    tzdata = serializers.CharField()
    processes = TzdataProcessOutput(many=True)
    hosts = TzdataHostOutput(many=True)
    last_change = ReplannedOutput(many=True)
    comparison = ComparisonOutput(allow_null=True)


class TzdataView(APIView):
    """The time zone data of this installation. Stores nothing."""

    action = "tzdata"
    roles = {"tzdata": Role.VIEWER}

    @extend_schema(
        tags=["cron"],
        summary="Show the time zone data in use",
        responses=TzdataOutput,
        parameters=[OpenApiParameter("against", str, enum=["system"], description="Compare with this data.")],
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """The releases of all processes, and which schedules the last change of the release moved. With
        `against=system` also which schedules the data of the answering machine's system would move within 366 days.
        """
        asked = TzdataInput(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        found = {
            "tzdata": tzdata_version(),
            "processes": processes.alive_now(),
            "hosts": Host.objects.order_by("name"),
            "last_change": last_change(),
            "comparison": _with_system() if "against" in asked.validated_data else None,
        }
        return Response(TzdataOutput(found).data)


def _with_system() -> Comparison | None:
    """None where the system has no zone files."""
    files = system_files()
    if files is None:
        return None
    schedules = queries.schedules().order_by("pk").iterator()
    return compare_with(files, schedules, days=MOST_DAYS, now=timezone.now())
