"""What is asked when lines of a crontab are adopted, and what became of them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.cron.serializers import FORMS, refused
from api.fields import Choice, Flag, StrictSerializer, Text, Whole
from scheduling.review.adoption import Adopted, Adoption
from scheduling.storable import storable_text


class ImportInput(StrictSerializer):
    """Which crontab, which of its lines, and whether to do it or only say what would be done."""

    crontab = Text(required=False, trim_whitespace=False, allow_blank=True, help_text="As for a review.")
    installed = Flag(default=False, help_text="This machine's own crontab, instead of `crontab`.")
    form = Choice(choices=FORMS, default="auto")
    timezone = Text(required=False, max_length=64, help_text="UTC, or the zone of the installed crontab.")
    lines = serializers.ListField(child=Whole(min_value=1), required=False, max_length=10_000)
    backend = Text(default="auto", max_length=50)
    dry_run = Flag(default=True)
    comment_out = Flag(default=False, help_text="Turn the adopted lines of the installed crontab into comments.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("crontab" in attrs) == attrs["installed"]:
            raise refused("crontab", "Write either `crontab` or `installed: true`, not both.")
        if attrs["comment_out"] and not attrs["installed"]:
            raise refused("comment_out", "Only lines of the installed crontab can be turned into comments.")
        return attrs


class AdoptionOutput(serializers.Serializer[Adoption]):
    """What becomes of one entry."""

    line = serializers.IntegerField()
    text = serializers.SerializerMethodField()
    outcome = serializers.ChoiceField(choices=["would_create", "created", "exists", "not_mapped", "refused"])
    job = serializers.CharField()
    parameters = serializers.JSONField()
    words = serializers.CharField()
    routed_to = serializers.CharField()
    schedule = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField()

    def get_text(self, adoption: Adoption) -> str:
        # An installed crontab may hold bytes that are no UTF-8, and no JSON either.
        return storable_text(adoption.text)


class AdoptedOutput(serializers.Serializer[Adopted]):
    """Every entry in order; the name of the backup, or why there is none."""

    dry_run = serializers.SerializerMethodField()
    lines = AdoptionOutput(many=True)
    backup = serializers.CharField()
    error = serializers.CharField(help_text="Why lines are no comments: then the new schedules are paused.")

    def get_dry_run(self, _: Adopted) -> bool:
        return bool(self.context["dry_run"])
