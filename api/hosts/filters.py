"""How can the list of hosts be filtered?"""

from __future__ import annotations

from typing import Any

from django_filters import rest_framework as filters

from api.filters import FlagFilter, StrictFilterSet
from scheduling.host_states import silent_names


class SilentFilter(FlagFilter):
    """By whether a host counts as lost."""

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        names = silent_names()
        return qs.filter(name__in=names) if value == "true" else qs.exclude(name__in=names)


class HostFilter(StrictFilterSet):
    """`q` is a part of the name."""

    q = filters.CharFilter(field_name="name", lookup_expr="icontains", label="Part of the name.")
    silent = SilentFilter(label="Whether it counts as lost.")
