"""How is a row shown that has many members, in a list of many rows? And how only some of its members?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, ClassVar, Final, TypeVar

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

M = TypeVar("M", bound=Model)

# The parameter that names the members which a list shows.
FIELDS: Final = "fields"

# How a member of a row is read and shown, given the serializer and the row.
_Show = Callable[[Any, Any], Any]


class RowOutput(serializers.ModelSerializer[M]):
    """Shows rows as ModelSerializer does. How each member is shown is worked out once for a class.

    ModelSerializer makes its fields anew for each answer, and asks each of them about itself for each row. The members
    must be as ScheduleOutput and TaskOutput have them: each is the attribute of a row, or a method of the serializer.
    Only such a method knows the context of the answer. Its `members`, if there are any, are those that are shown.
    """

    # What the methods read of a row, by the names of their members: columns (`tag_set__names` of another row), or rows
    # that refer to it (`attempts`). A method that is not named here reads all.
    reads: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def to_representation(self, instance: M) -> dict[str, Any]:
        """The members of a row, in their order."""
        return {name: show(self, instance) for name, show in self._shown}

    @cached_property
    def _shown(self) -> list[tuple[str, _Show]]:
        wanted: Collection[str] | None = self.context.get("members")
        found = _members(type(self))
        return found if wanted is None else [(name, show) for name, show in found if name in wanted]


def members_asked(request: Request, shown: type[RowOutput[Any]]) -> tuple[str, ...] | None:
    """The names in `?fields=`, without others; None if it is not given. Raises ValidationError for unknown names."""
    if FIELDS not in request.query_params:
        return None
    known = [name for name, _ in _members(shown)]
    names = request.query_params[FIELDS].split(",")
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        message = f"There is no member {unknown[:50]!r}: choose from {', '.join(known)}."
        raise ValidationError({FIELDS: [ErrorDetail(message, "unknown")]})
    return tuple(names)


def narrowed(
    whole: QuerySet[M], bare: QuerySet[M], shown: type[RowOutput[Any]], names: Collection[str], also: Collection[str]
) -> QuerySet[M]:
    """The rows with no more than what these members read, and the columns `also`.

    `whole` are the rows as the whole answer reads them, `bare` the same without anything besides.
    """
    fields = shown().fields
    computed = {name for name in names if isinstance(fields[name], serializers.SerializerMethodField)}
    if not computed <= set(shown.reads):
        return whole
    paths = {path for name in names for path in shown.reads.get(name) or [_column(fields[name])]} | set(also)
    prefetched = {path for path in paths if path in _referring(bare.model)}
    columns = paths - prefetched
    related = {path.partition("__")[0] for path in columns if "__" in path}
    rows = bare.only("pk", *sorted(columns)).prefetch_related(*sorted(prefetched))
    return rows.select_related(*sorted(related)) if related else rows


def _column(field: Any) -> str:
    return str(field.source).replace(".", "__")


def _referring(model: type[Model]) -> set[str]:
    relations = model._meta.related_objects  # noqa: SLF001 - Django's documented way to a model's relations
    return {name for one in relations if (name := one.get_accessor_name()) is not None}


@cache
def _members(shown: type[RowOutput[Any]]) -> list[tuple[str, _Show]]:
    fields = shown().fields
    return [(name, _show(field)) for name, field in fields.items() if not field.write_only]


def _show(field: Any) -> _Show:
    if isinstance(field, serializers.SerializerMethodField):
        method = field.method_name
        return lambda serializer, row: getattr(serializer, method)(row)
    represent = field.to_representation
    if field.source == "*":
        return lambda _, row: represent(row)
    read = attrgetter(field.source)

    def show(_: Any, row: Any) -> Any:
        value = read(row)
        return None if value is None else represent(value)

    return show
