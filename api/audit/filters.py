"""How can the audit log be filtered?"""

from __future__ import annotations

from django_filters import rest_framework as filters

from api.filters import IdFilter, StrictFilterSet, TimelineFilter
from api.owned import OwnerFilter
from scheduling.models import AuditEntry


class AuditFilter(StrictFilterSet):
    """`after` is for who follows the log: what was added since the number that was read last."""

    actor = filters.CharFilter(field_name="actor__user", label="The name of the user.")
    token = filters.CharFilter(field_name="actor__token", lookup_expr="startswith", label="The prefix of the token.")
    kind = filters.CharFilter(field_name="actor__kind", label="user, token, command, beat, crontab or upkeep.")
    owner = OwnerFilter(label="The name of the owner of what was changed.")
    since = TimelineFilter(field_name="at", lookup_expr="gte", label="Only at this time and later.")
    after = IdFilter(field_name="number", lookup_expr="gt", label="Only with a larger number.")

    class Meta:
        model = AuditEntry
        fields = ["subject", "subject_id", "action"]
