"""How backends, drift and sync are shown."""

from typing import Any

from rest_framework import serializers

from api.fields import Flag, StrictSerializer


class BackendOutput(serializers.Serializer[Any]):
    """A backend: what it can hold and how it is."""

    name = serializers.CharField()
    seconds = serializers.BooleanField(help_text="Whether its clock has seconds.")
    executors = serializers.ListField(child=serializers.CharField())
    per_host = serializers.BooleanField()
    ok = serializers.BooleanField()
    detail = serializers.CharField()


class DriftOutput(serializers.Serializer[Any]):
    """How the native entries within reach differ from the schedules."""

    missing = serializers.ListField(child=serializers.CharField())
    left_over = serializers.ListField(child=serializers.CharField())
    applied = serializers.BooleanField()


class SyncInput(StrictSerializer):
    """Whether to mend the drift, or only show it."""

    apply = Flag(default=False)
