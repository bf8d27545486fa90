"""Which rows does a request about many rows mean, and how are all faults of its bodies named?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.bodies import FaultyBody, read
from api.fields import Flag, StrictSerializer, Whole
from api.idempotency import Shown
from api.writing import DRY_RUN, NO_ID, write
from scheduling import dry_run
from scheduling.bulk import MOST, Chosen
from scheduling.errors import InvalidRequest, NotFound, Problem

Handler = TypeVar("Handler", bound=Callable[..., Any])

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


def many(
    path: str, summary: str, *, asked: Any, answer: Any, shown: Shown, filtered: bool = True
) -> Callable[[Handler], Handler]:
    """Mark the handler of a POST about many rows, at `path`: its body and its answer.

    `shown` makes the answer (see `api.idempotency`). `filtered`: the filters of the view can say which rows are meant.
    """
    options = {} if filtered else {"filterset_class": None}

    def decorate(handler: Handler) -> Handler:
        marked = action(detail=False, methods=["post"], url_path=path, **options)(write(shown)(handler))
        described = extend_schema(
            summary=summary, request=asked, responses={200: answer}, filters=None if filtered else False
        )
        return described(marked)  # type: ignore[return-value]  # it takes what the handler takes

    return decorate


def made(data: Any, member: str) -> Response:
    """The answer about new rows. In a dry run their ids are 0: no row will have those that they had in it."""
    if dry_run.is_on():
        for one in data[member]:
            one["id"] = NO_ID
    return Response(data)


def rows_chosen(request: Request, body: Mapping[str, Any], view: GenericViewSet[Any]) -> QuerySet[Any]:
    """The rows that the request means: those in `ids`, else all that match. Raises InvalidRequest as `chosen` does."""
    if "ids" not in body:
        found: QuerySet[Any] = view.filter_queryset(view.get_queryset())
        return found
    which = chosen(request, body, view)
    rows = view.get_queryset().filter(pk__in=which.ids)
    known = set(rows.values_list("pk", flat=True))
    kind = rows.model._meta.verbose_name  # noqa: SLF001 - Django's documented way to a model's name
    missing = {pk: NotFound(f"There is no {kind} {pk}.") for pk in which.ids if pk not in known}
    if missing:
        raise which.refusal(missing)
    return rows


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
