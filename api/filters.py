"""What filters of lists share.

A value or a name that cannot be is refused, for a list of everything would look like an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django_filters import rest_framework as filters
from rest_framework.exceptions import ErrorDetail
from rest_framework.exceptions import ValidationError as Refused

from api.fields import Instant

_OF_PAGES = ("cursor", "limit")


class StrictFilterSet(filters.FilterSet):  # type: ignore[misc]  # django-filter has no type hints
    """Refuses parameters it does not know."""

    def is_valid(self) -> bool:
        """Whether every value is good; raises DRF's ValidationError for names that are no filter."""
        known = (*self.filters, *_OF_PAGES)
        message = f"There is no such parameter: choose from {', '.join(known)}."
        unknown = {name: [ErrorDetail(message, "unknown")] for name in self.data if name not in known}
        if unknown:
            raise Refused(unknown)
        return bool(super().is_valid())


class InstantFormField(forms.CharField):
    """An RFC 3339 time, as in request bodies."""

    def clean(self, value: Any) -> datetime | None:
        """The time, None where none was given."""
        text = super().clean(value)
        try:
            return Instant().to_internal_value(text) if text else None
        except Refused as exc:
            raise ValidationError(Instant.default_error_messages["invalid"], "invalid") from exc


class InstantFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]  # as above
    """By a time with its offset."""

    field_class = InstantFormField


class IdFilter(filters.NumberFilter):  # type: ignore[misc]  # as above
    """By the id of a row, which need not be there any more."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, decimal_places=0, **options)


class FlagFilter(filters.ChoiceFilter):  # type: ignore[misc]  # as above
    """By `true` or `false`; django-filter's own takes every other word for no filter at all."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=[("true", "true"), ("false", "false")], **options)

    def filter(self, qs: Any, value: str) -> Any:
        """Narrow `qs`, unless nothing was given."""
        return qs.filter(**{self.field_name: value == "true"}) if value else qs


def choices_of(names: Callable[[], Iterable[str]]) -> Callable[[], list[tuple[str, str]]]:
    """The names as a filter wants its choices; asked for at each use, because settings may name others."""
    return lambda: [(name, name) for name in names()]
