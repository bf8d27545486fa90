"""How can the list of tokens be filtered?"""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django_filters import rest_framework as filters

from api import users
from api.filters import FlagFilter, StrictFilterSet
from scheduling import clock


class ActiveFilter(FlagFilter):
    """By whether a token can be used: it is neither revoked nor expired."""

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        active = Q(revoked_at=None, expires_at__gt=clock.now())
        return qs.filter(active if value == "true" else ~active)


class UserFilter(filters.CharFilter):  # type: ignore[misc]  # django-filter has no type hints
    """By the name with which the user of a token logs in."""

    def filter(self, qs: Any, value: str) -> Any:
        return qs.filter(**{f"user__{users.name_field()}": value}) if value else qs


class TokenFilter(StrictFilterSet):
    """`user` is the name of a user."""

    active = ActiveFilter(label="Whether it can be used: neither revoked nor expired.")
    user = UserFilter(label="The name with which its user logs in.")
