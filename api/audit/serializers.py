"""How is an entry of the audit log shown?"""

from __future__ import annotations

from rest_framework import serializers

from api.fields import Instant
from api.owned import ActorOutput, Owner
from scheduling.models import AuditEntry


class AuditActorOutput(ActorOutput):
    """Who did it, and from which address."""

    class Meta(ActorOutput.Meta):
        fields = [*ActorOutput.Meta.fields, "address"]


class AuditOutput(serializers.ModelSerializer[AuditEntry]):
    """One change. `changes` has the fields that differ: what was before, and what is after. Secrets are masked."""

    at = Instant()
    actor = AuditActorOutput(allow_null=True, help_text="Null for Tandem itself.")
    owner = Owner(allow_null=True, help_text="Whose it was.")
    changes = serializers.DictField(
        child=serializers.ListField(child=serializers.JSONField(), min_length=2, max_length=2)
    )

    class Meta:
        model = AuditEntry
        fields = ["number", "at", "actor", "subject", "subject_id", "name", "owner", "action", "changes"]
