"""How is shown why something has not run?"""

from __future__ import annotations

from rest_framework import serializers

from api.fields import Instant
from scheduling.explain import Explanation, Reason


class ReasonOutput(serializers.Serializer[Reason]):
    """One reason."""

    code = serializers.CharField()
    detail = serializers.CharField()


class ExplanationOutput(serializers.Serializer[Explanation]):
    """All reasons that are known just now, the most telling first."""

    reasons = ReasonOutput(many=True)
    next_look_at = Instant(allow_null=True, help_text="When somebody looks again, or null.")
