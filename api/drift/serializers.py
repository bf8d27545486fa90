"""How is a difference between an engine and the schedules shown?"""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.fields import Instant
from scheduling.difference import DifferenceKind
from scheduling.models import DriftRecord

KINDS: Final = [kind.value for kind in DifferenceKind]


class DriftRecordOutput(serializers.ModelSerializer[DriftRecord]):
    """A difference: what should be, what is, who noticed it and when, and when it was mended."""

    kind = serializers.ChoiceField(choices=KINDS)
    schedules = serializers.SerializerMethodField(help_text="The schedules that it concerns, also deleted ones.")
    noticed_at = Instant()
    seen_at = Instant(help_text="When it was seen last.")
    mended_at = Instant(allow_null=True, help_text="Null while it is there.")

    class Meta:
        model = DriftRecord
        fields = [
            "id", "number", "backend", "host", "kind", "schedules", "wanted", "found", "noticed_by", "noticed_at",
            "seen_at", "mended_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_schedules(self, record: Any) -> list[int]:
        return sorted(each.schedule_id for each in record.concerned.all())
