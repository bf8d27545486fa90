"""How is a host shown?"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.fields import Instant
from scheduling.host_states import HostState


class AgentOutput(serializers.Serializer[Any]):
    """The process of a host that keeps its crontab and runs what was left behind."""

    pid = serializers.IntegerField()
    started_at = Instant()
    seen_at = Instant(help_text="When it last moved its pulse.")


class HostOutput(serializers.Serializer[HostState]):
    """A machine that has a crontab, and what is known of it."""

    name = serializers.CharField(source="host.name")
    crontab = serializers.CharField(source="host.crontab", help_text="The crontab that holds the lines.")
    zone = serializers.CharField(source="host.zone", help_text="The time zone of its cron.")
    tzdata = serializers.CharField(source="host.tzdata", help_text="The release of its system's time zone data.")
    zone_differs = serializers.CharField(source="host.zone_differs")
    reported_at = Instant(source="host.heartbeat_at", help_text="When its crontab was last reported.")
    silent_for = serializers.SerializerMethodField(help_text="Seconds since its last sign of life.")
    silent = serializers.BooleanField(help_text="Whether it counts as lost.")
    agent = AgentOutput(allow_null=True, help_text="Null if none has a row.")
    woken_at = Instant(allow_null=True, help_text="When a wake-up of its cron last decided something.")
    stood_in_at = Instant(allow_null=True, help_text="When upkeep last decided what no wake-up had decided in time.")
    schedules = serializers.IntegerField()
    overdue = serializers.IntegerField(help_text="Schedules that are due for 90 seconds and undecided.")
    overdue_since = Instant(allow_null=True)
    open_drift = serializers.IntegerField(help_text="Differences that are not mended.")
    error = serializers.CharField(source="host.error", help_text="Why its crontab could not be updated.")

    @extend_schema_field(serializers.IntegerField())
    def get_silent_for(self, state: HostState) -> int:
        return max(0, int(state.silence.total_seconds()))
