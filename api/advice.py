"""How is shown what a person should know about a trigger?"""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.fields import Instant
from scheduling.timing.dst_effects import ClockChange, Effect
from scheduling.timing.warnings import ReviewWarning
from scheduling.words import DEFAULT
from scheduling.words.warnings import warning_text

EFFECTS: Final = [effect.value for effect in Effect]


class ClockChangeOutput(serializers.Serializer[ClockChange]):
    """A clock change (to or from summer time, for example) that loses, delays or doubles runs."""

    day = serializers.DateField()
    at = Instant(help_text="The instant of the change.")
    begins = serializers.CharField(help_text="The first local time that is skipped or happens twice.")
    ends = serializers.CharField(help_text="The first local time after the skipped or repeated ones.")
    effect = serializers.SerializerMethodField()
    runs = serializers.IntegerField(help_text="How many of the trigger's times of day are from `begins` to `ends`.")

    @extend_schema_field(serializers.ChoiceField(choices=EFFECTS))
    def get_effect(self, change: ClockChange) -> str:
        return change.effect.value


class WarningOutput(serializers.Serializer[ReviewWarning]):
    """What a person should know. `clock_changes` is empty unless the code is `clock_change`."""

    code = serializers.CharField()
    detail = serializers.SerializerMethodField(help_text="In the language of the answer.")
    clock_changes = ClockChangeOutput(many=True)

    def get_detail(self, warning: ReviewWarning) -> str:
        return warning_text(warning, self.context.get("language", DEFAULT))


class RunsPerYearOutput(serializers.Serializer[Any]):
    """How many occurrences the schedule has in the next 365 days."""

    before = serializers.IntegerField(allow_null=True, help_text="Before the change; null for a new schedule.")
    after = serializers.IntegerField()
