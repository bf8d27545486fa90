"""How are many schedules moved to another backend, and how is the outcome shown?"""

from __future__ import annotations

from typing import Final, get_args

from rest_framework import serializers

from api.bulk import ChosenInput
from api.fields import Flag, Text
from scheduling.bulk import MovedSchedule
from scheduling.bulk.moving import MoveOutcome

OUTCOMES: Final = list(get_args(MoveOutcome))


class MoveManyInput(ChosenInput):
    """Which schedules, where to, and whether to move them or only to show what would happen."""

    backend = Text(max_length=50, help_text="The backend to which the schedules move, or `auto`.")
    host = Text(default="", max_length=253, help_text="Their host there; only for a backend that has hosts.")
    dry_run = Flag(default=True, help_text="Only show what would happen.")


class MovedOneOutput(serializers.Serializer[MovedSchedule]):
    """What happens, or would happen, to one schedule. `detail` says why it is refused, or not installed yet."""

    schedule = serializers.IntegerField()
    name = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    routed_to = serializers.CharField()
    host = serializers.CharField()
    detail = serializers.CharField()


class MovedManyOutput(serializers.Serializer[object]):
    """Every schedule that matches, by id."""

    dry_run = serializers.BooleanField()
    schedules = MovedOneOutput(many=True)
