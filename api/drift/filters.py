"""How can the list of differences be filtered?"""

from __future__ import annotations

from typing import Any

from django_filters import rest_framework as filters

from api.filters import FlagFilter, IdFilter, StrictFilterSet, choices_of
from scheduling.backend import backend_names
from scheduling.difference import DifferenceKind
from scheduling.models import DriftRecord


class OpenFilter(FlagFilter):
    """By whether the difference is still there."""

    def filter(self, qs: Any, value: str) -> Any:
        return qs.filter(mended_at__isnull=value == "true") if value else qs


class DriftFilter(StrictFilterSet):
    """`after` is for who follows the log: what has changed since the number that was read last."""

    backend = filters.ChoiceFilter(choices=choices_of(backend_names))
    kind = filters.ChoiceFilter(choices=[(kind.value, kind.value) for kind in DifferenceKind])
    schedule = IdFilter(field_name="concerned__schedule_id", label="The id of a schedule, also of a deleted one.")
    open = OpenFilter(label="Whether it is still there.")
    after = IdFilter(field_name="number", lookup_expr="gt", label="Only with a larger number.")

    class Meta:
        model = DriftRecord
        fields = ["host"]
