"""How is the adoption of crontab lines asked for, and how is its outcome shown?"""

from __future__ import annotations

from typing import Any, Final, get_args

from rest_framework import serializers

from api.cron.serializers import FORMS, refused
from api.fields import Choice, Flag, StrictSerializer, Text, Whole
from scheduling.review.adoption import Adopted, Adoption, AdoptionOutcome
from scheduling.storable import storable_text

OUTCOMES: Final = list(get_args(AdoptionOutcome))


class ImportInput(StrictSerializer):
    """Which crontab, which of its lines, and whether to adopt them or only to show what would happen."""

    crontab = Text(
        required=False,
        trim_whitespace=False,
        allow_blank=True,
        help_text="The text of the crontab: at most 1,000,000 bytes and 20,000 lines.",
    )
    installed = Flag(default=False, help_text="Read the installed crontab of this machine instead of `crontab`.")
    form = Choice(choices=FORMS, default="auto")
    timezone = Text(required=False, max_length=64, help_text="If not given: UTC, or the zone of the installed crontab.")
    lines = serializers.ListField(
        child=Whole(min_value=1),
        required=False,
        max_length=10_000,
        help_text="Line numbers, from 1; all lines if not given.",
    )
    backend = Text(default="auto", max_length=50, help_text="The backend of the new schedules.")
    dry_run = Flag(default=True, help_text="Only show what would happen.")
    comment_out = Flag(default=False, help_text="Turn the adopted lines of the installed crontab into comments.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("crontab" in attrs) == attrs["installed"]:
            raise refused("crontab", "Write exactly one: `crontab`, or `installed: true`.")
        if attrs["comment_out"] and not attrs["installed"]:
            raise refused("comment_out", "Only an installed crontab can be changed: write `installed: true`, too.")
        return attrs


class AdoptionOutput(serializers.Serializer[Adoption]):
    """What happens, or would happen, to one entry of the crontab. `detail` says why it becomes no schedule."""

    line = serializers.IntegerField()
    text = serializers.SerializerMethodField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    job = serializers.CharField()
    parameters = serializers.JSONField()
    words = serializers.CharField()
    routed_to = serializers.CharField()
    schedule = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField()

    def get_text(self, adoption: Adoption) -> str:
        # An installed crontab may hold bytes that are not UTF-8, and so cannot be in JSON.
        return storable_text(adoption.text)


class AdoptedOutput(serializers.Serializer[Adopted]):
    """Every entry in order. `backup` is the name of the file that keeps the crontab as it was, or empty."""

    dry_run = serializers.SerializerMethodField()
    lines = AdoptionOutput(many=True)
    backup = serializers.CharField()
    error = serializers.CharField(
        help_text="Why the lines could not become comments, or empty. With an error the new schedules stay paused."
    )

    def get_dry_run(self, _: Adopted) -> bool:
        return bool(self.context["dry_run"])
