"""How are lists filtered?

An unknown parameter or a wrong value is refused. If it were ignored, the unfiltered list would look like the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django_filters import rest_framework as filters
from rest_framework.exceptions import ErrorDetail
from rest_framework.exceptions import ValidationError as Refused

from api.fields import Instant


class StrictFilterSet(filters.FilterSet):  # type: ignore[misc]  # django-filter has no type hints
    """Refuses unknown parameters."""

    # Those of the pages that a list has; none where all that matches is meant.
    page_parameters: ClassVar[tuple[str, ...]] = ("cursor", "limit")
    # The columns by which the list can be ordered. Each has an index, together with the id.
    orders: ClassVar[tuple[str, ...]] = ("id",)
    # Filters whose index is not in the order of the list, or is not there for every value.
    slow: ClassVar[frozenset[str]] = frozenset({"q"})

    def is_valid(self) -> bool:
        """Whether every value is valid. Raises DRF's ValidationError for unknown parameters."""
        known = (*self.filters, *self.page_parameters)
        message = f"There is no such parameter: choose from {', '.join(known)}."
        unknown = {name: [ErrorDetail(message, "unknown")] for name in self.data if name not in known}
        if unknown:
            raise Refused(unknown)
        return bool(super().is_valid())


class FilterWhatIsAsked(filters.DjangoFilterBackend):  # type: ignore[misc]  # as above
    """Makes no filters for a request that names none: they are copied for each request, and checked by a form."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        """The rows that the parameters choose."""
        known = getattr(getattr(view, "filterset_class", None), "page_parameters", ())
        if all(name in known for name in request.query_params):
            return queryset
        return super().filter_queryset(request, queryset, view)


class WithoutPages:
    """The filters of a list for what is done with many rows: all that match are meant. It goes before the FilterSet."""

    page_parameters: ClassVar[tuple[str, ...]] = ("dry_run",)


class InstantFormField(forms.CharField):
    """An RFC 3339 time with its offset, as in request bodies."""

    def clean(self, value: Any) -> datetime | None:
        """The time; None if none is given."""
        text = super().clean(value)
        try:
            return Instant().to_internal_value(text) if text else None
        except Refused as exc:
            raise ValidationError(Instant.default_error_messages["invalid"], "invalid") from exc


class InstantFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]  # as above
    """Filters by an RFC 3339 time."""

    field_class = InstantFormField


class TimelineFilter(InstantFilter):
    """By a time of the rows' history. The list is then in the order of this time (`api.pagination`)."""


class IdFilter(filters.NumberFilter):  # type: ignore[misc]  # as above
    """By the id of a row, which need not be there any more."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, decimal_places=0, **options)


class FlagFilter(filters.ChoiceFilter):  # type: ignore[misc]  # as above
    """Filters by `true` or `false`. django-filter's own boolean filter ignores every other word."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=[("true", "true"), ("false", "false")], **options)

    def filter(self, qs: Any, value: str) -> Any:
        """`qs` filtered by `value`, or unchanged if no value is given."""
        return qs.filter(**{self.field_name: value == "true"}) if value else qs


class QueueFilter(filters.CharFilter):  # type: ignore[misc]  # as above
    """By the name of a queue that is not the default one."""

    def filter(self, qs: Any, value: str) -> Any:
        # The second condition is that of the index: SQLite must read it to use it.
        return qs.filter(queue=value, queue__gt="") if value else qs


def choices_of(names: Callable[[], Iterable[str]]) -> Callable[[], list[tuple[str, str]]]:
    """The names as the choices of a filter. They are read at each use, because the settings decide them."""
    return lambda: [(name, name) for name in names()]
