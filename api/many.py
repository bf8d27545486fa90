"""How does a request for many name them, and how are the faults of many bodies told? By a list, or by filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from api.bodies import FaultyBody, read
from api.fields import Flag, StrictSerializer, Whole
from api.writing import DRY_RUN
from scheduling.bulk import MOST, Chosen
from scheduling.errors import InvalidRequest, Problem

# What the database's column of ids holds.
LARGEST_ID: Final = 2**63 - 1


class ChosenInput(StrictSerializer):
    """Which rows: their ids. Without `ids`, all that match the filters of the address."""

    ids = serializers.ListField(
        child=Whole(min_value=1, max_value=LARGEST_ID),
        required=False,
        max_length=MOST,
        help_text="Their ids, each once. If not given, the filters of the address choose them.",
    )


class PartialInput(ChosenInput):
    """As above; and whether those that can be changed are changed although others cannot."""

    partial = Flag(  # type: ignore[assignment]  # the metaclass takes the field away: an instance has DRF's `partial`
        default=False, help_text="Change the others where some cannot be changed."
    )


def chosen(request: Request, body: Mapping[str, Any], view: GenericViewSet[Any]) -> Chosen:
    """The rows that the request means. Raises InvalidRequest where it names them in two ways, or in none."""
    asked = {name for name in request.query_params if name != DRY_RUN}
    ids: list[int] | None = body.get("ids")
    if ids is not None and asked:
        raise InvalidRequest([Problem("ids", "two_choices", "Write `ids`, or filters in the address: not both.")])
    if ids is not None:
        return Chosen(_distinct(ids))
    if not asked:
        raise InvalidRequest([Problem("ids", "no_choice", "Write `ids`, or at least one filter in the address.")])
    rows: QuerySet[Any] = view.filter_queryset(view.get_queryset())
    return Chosen.matching(rows)


def read_each(
    request: Request, member: str, kind: type[StrictSerializer], check: Callable[[dict[int, Any]], object]
) -> list[Any]:
    """The values of each body in the list `member`. Raises FaultyBody with all that is wrong with any of them.

    `check` is called with the values of the sound ones, by their places, if others cannot be read.
    """
    bodies = read(_listing(member)(data=request.data))[member]
    form, values, faults = kind(), {}, {}
    for place, body in enumerate(bodies):
        try:
            values[place] = dict(form.run_validation(body))
        except serializers.ValidationError as exc:
            faults[place] = exc.detail
    if not faults:
        return list(values.values())
    problems: tuple[Problem, ...] = ()
    try:
        check(values)
    except InvalidRequest as exc:
        problems = exc.problems
    raise FaultyBody({member: faults}, problems)


def _listing(member: str) -> Callable[..., serializers.Serializer[Any]]:
    fields = {member: serializers.ListField(child=serializers.JSONField(), min_length=1, max_length=MOST)}
    return partial(type("Listing", (StrictSerializer,), fields))


def _distinct(ids: Iterable[int]) -> tuple[int, ...]:
    known: dict[int, int] = {}
    for place, pk in enumerate(ids):
        if pk in known:
            raise InvalidRequest([Problem(f"ids.{place}", "twice", f"Write {pk} once.")])
        known[pk] = place
    return tuple(known)
