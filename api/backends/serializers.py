"""How are backends and their drift shown, and how is a sync asked for?"""

from typing import Any

from rest_framework import serializers

from api.fields import Flag, StrictSerializer
from scheduling.difference import DifferenceKind


class BackendOutput(serializers.Serializer[Any]):
    """A backend: its capabilities, and its health (`ok`, `detail`)."""

    name = serializers.CharField()
    seconds = serializers.BooleanField(help_text="Whether its clock has seconds.")
    executors = serializers.ListField(
        child=serializers.CharField(), help_text="The executors that its schedules can use, the default one first."
    )
    per_host = serializers.BooleanField(help_text="Whether each of its schedules belongs to one host.")
    ok = serializers.BooleanField()
    detail = serializers.CharField()


class DifferenceOutput(serializers.Serializer[Any]):
    """One difference: what should be, and what is."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in DifferenceKind])
    schedules = serializers.ListField(child=serializers.IntegerField())
    wanted = serializers.CharField()
    found = serializers.CharField()


class DriftOutput(serializers.Serializer[Any]):
    """How the native entries that this process can read differ from the schedules."""

    missing = serializers.ListField(
        child=serializers.CharField(), help_text="Entries that the schedules need and that are not installed."
    )
    left_over = serializers.ListField(
        child=serializers.CharField(), help_text="Installed entries that no schedule needs."
    )
    differences = DifferenceOutput(many=True, help_text="The same by kind, and what else is wrong.")
    applied = serializers.BooleanField(help_text="Whether the drift was repaired.")


class SyncInput(StrictSerializer):
    """Whether to repair the drift, or only to show it (the default)."""

    apply = Flag(default=False)
