"""How are long lists split into pages?"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.models import BooleanField, CharField, DateTimeField, F, Func, Model, Value
from psycopg.errors import QueryCanceled
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param

from api.filters import TimelineFilter
from scheduling.errors import InvalidRequest, Problem

# Each filter alone is answered from an index within milliseconds. Two that each fit many rows, and together few, are
# not: without a bound, each such page would keep the database busy for as long as the history is.
MOST_SECONDS = 2.0
_FOLLOW: Final = "Use the address in `next` or `previous` without changes."
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# The smallest step of a stored time.
_MICROSECOND: Final = timedelta(microseconds=1)

# The parameter that names the order of a list.
ORDERING: Final = "ordering"


class _Type(NamedTuple):
    """How the value of a column is written into a cursor, what that looks like, and how it is read again."""

    written: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


def _text(written: str) -> str:
    text = bytes.fromhex(written).decode()
    if "\0" in text:
        raise ValueError(text)
    return text


_TYPES: Final[dict[type[Any], _Type]] = {
    # A time of 17 digits is in the year 5138: more would leave the calendar.
    DateTimeField: _Type(
        "[0-9]{1,17}", lambda at: str((at - _EPOCH) // _MICROSECOND), lambda one: _EPOCH + int(one) * _MICROSECOND
    ),
    # 200 characters of at most four bytes.
    CharField: _Type("(?:[0-9a-f]{2}){0,800}", lambda text: text.encode().hex(), _text),
}


class NewestFirst(CursorPagination):
    """Cursor pages, newest first. New rows do not move the others, and the last page is as fast as the first.

    The order is that of the ids, or of `?ordering=`, which leaves out the rows without what it orders by. A list that
    is filtered by a time of its rows' history (`TimelineFilter`) is in the order of this time, so that the database
    reads one range of an index instead of all that is newer.

    `?limit=` is 1 to 200. A wrong limit or cursor raises ValidationError. If it were ignored, the client would get
    other rows without noticing.
    """

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """The rows of the page that the request asks for."""
        self.page_size = self.get_page_size(request)
        self.base_url = request.build_absolute_uri()
        self._columns = columns(request, view)
        self._types = [_TYPES[type(queryset.model._meta.get_field(name))] for name in self._columns[:-1]]  # noqa: SLF001 - Django's documented way to fields
        self._cursor = self.decode_cursor(request)
        back = self._cursor is not None and self._cursor.reverse
        up = back != _ascending(request)
        rows = queryset.order_by(*(name if up else f"-{name}" for name in self._columns))
        # The condition of an index of a column that may be empty.
        rows = rows.filter(**{f"{name}__isnull": False for name in self._columns[:-1]})
        if self._cursor is not None:
            rows = rows.filter(_beyond(self._columns, self._values(str(self._cursor.position)), above=up))
        wanted = rows[: self.page_size + 1]
        together = _filters(request, view)
        slow: frozenset[str] = getattr(getattr(view, "filterset_class", None), "slow", frozenset())
        found = _in_time(wanted, together) if len(together) > 1 or not slow.isdisjoint(together) else list(wanted)
        page, more = found[: self.page_size], len(found) > self.page_size
        self.page = page[::-1] if back else page
        self.has_next = back or more
        self.has_previous = more if back else self._cursor is not None
        return self.page

    def get_next_link(self) -> str | None:
        """The address of the older rows; None on the last page."""
        if not self.has_next:
            return None
        if not self.page:  # Nothing is newer than where this page ended: what is older begins with the newest.
            return str(remove_query_param(str(self.base_url), "cursor"))
        return self._link(self._position(self.page[-1]), reverse=False)

    def get_previous_link(self) -> str | None:
        """The address of the newer rows; None on the first page."""
        if not self.has_previous:
            return None
        before = self._position(self.page[0]) if self.page else str(getattr(self._cursor, "position", ""))
        return self._link(before, reverse=True)

    def get_page_size(self, request: Request) -> int:
        given = request.query_params.get("limit", str(self.page_size))
        if not re.fullmatch("[0-9]{1,3}", given) or not 1 <= int(given) <= self.max_page_size:
            raise _refused("limit", f"Write a number from 1 to {self.max_page_size}.")
        return int(given)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The cursor of `?cursor=`. A position that this list cannot have is refused: it would be a database error."""
        if "cursor" not in request.query_params:
            return None
        try:
            found = super().decode_cursor(request)
        except NotFound as exc:
            raise _refused("cursor", _FOLLOW) from exc
        # The Base64 decoder ignores characters outside of its alphabet.
        is_base64 = re.fullmatch("[A-Za-z0-9+/]+={0,2}", request.query_params["cursor"])
        place = "".join(f"{kind.written}-" for kind in self._types) + "[0-9]{1,18}"
        if found is None or not is_base64 or found.offset or not re.fullmatch(place, str(found.position)):
            raise _refused("cursor", _FOLLOW)
        return found

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """The schema of DRF, but `next` and `previous` may be null: on the last and the first page (OpenAPI 3.1)."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Those of DRF, with the bounds of `limit`; and for a list that has them, the order and the members."""
        limit = _query("limit", "How many rows.", {"type": "integer", "minimum": 1, "maximum": self.max_page_size})
        found = [limit if one["name"] == "limit" else one for one in super().get_schema_operation_parameters(view)]
        if orders := orderings(view):
            described = "In this order; with `-` the largest first. Rows without the value are left out."
            found.append(_query(ORDERING, described, {"type": "string", "enum": orders, "default": "-id"}))
            names = [name for name, field in view.get_serializer_class()().fields.items() if not field.write_only]
            listed = {"type": "array", "minItems": 1, "items": {"type": "string", "enum": names}}
            only = _query("fields", "Show only these members, with commas between them.", listed)
            found.append({**only, "style": "form", "explode": False})
        return found

    def _link(self, position: str, *, reverse: bool) -> str:
        return str(self.encode_cursor(Cursor(0, reverse, position)))  # type: ignore[arg-type]  # the stubs know numbers only

    def _position(self, row: Model) -> str:
        """The place of a row in the list: its id, after the value that orders it, if another does."""
        values = [getattr(row, name) for name in self._columns]
        return "-".join([*(kind.write(one) for kind, one in zip(self._types, values, strict=False)), str(values[-1])])

    def _values(self, position: str) -> list[Any]:
        """The same read again. Raises ValidationError for a text that the database cannot have."""
        *first, pk = position.split("-")
        try:
            return [*(kind.read(one) for kind, one in zip(self._types, first, strict=True)), int(pk)]
        except ValueError as exc:
            raise _refused("cursor", _FOLLOW) from exc


def _filters(request: Request, view: Any) -> list[str]:
    """The filters that the request gives, without the pages'; with the order, if it gives one beside a filter."""
    known = getattr(getattr(view, "filterset_class", None), "base_filters", {})
    given = [name for name in known if request.query_params.get(name)]
    return [*given, ORDERING] if given and ORDERING in request.query_params else given


def _in_time(rows: Any, filters: list[str]) -> list[Any]:
    """The rows, if PostgreSQL finds them in MOST_SECONDS (SQLite has no limit). Raises InvalidRequest."""
    if connection.vendor != "postgresql":
        return list(rows)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{MOST_SECONDS * 1000:.0f}"])
            return list(rows)
    except OperationalError as exc:
        if not isinstance(exc.__cause__, QueryCanceled):
            raise
        said = f"Took longer than {MOST_SECONDS:.0f} s: add a filter that few rows fit, such as a schedule or a time."
        raise InvalidRequest([Problem(name, "too_broad", said) for name in filters]) from exc


def columns(request: Request, view: Any) -> tuple[str, ...]:
    """What orders the list: the column in `?ordering=`, else the time that it is filtered by, if any; and the id.

    Raises ValidationError for another column than those that the list can be ordered by.
    """
    asked = _ordering(request, view)
    if asked is not None:
        return ("pk",) if asked == "id" else (asked, "pk")
    filters = getattr(getattr(view, "filterset_class", None), "base_filters", {})
    for name, each in filters.items():
        if isinstance(each, TimelineFilter) and request.query_params.get(name):
            return str(each.field_name), "pk"
    return ("pk",)


def orderings(view: Any) -> list[str]:
    """What `?ordering=` may be for the list of this view; empty if it has no choice."""
    filters = getattr(view, "filterset_class", None)
    if ORDERING not in getattr(filters, "page_parameters", ()):
        return []
    return [sign + name for name in getattr(filters, "orders", ()) for sign in ("", "-")]


def _ordering(request: Request, view: Any) -> str | None:
    asked, known = request.query_params.get(ORDERING), orderings(view)
    if asked is None or not known:
        return None
    if asked not in known:
        raise ValidationError({ORDERING: [ErrorDetail(f"Write one of {', '.join(known)}.", "invalid_choice")]})
    return asked.removeprefix("-")


def _ascending(request: Request) -> bool:
    return not request.query_params.get(ORDERING, "-").startswith("-")


def _beyond(columns: tuple[str, ...], values: list[Any], *, above: bool) -> Func:
    """Whether a row is after this place: a comparison of rows, for which both databases use the index of the order."""
    there, here = (Func(*each, template="(%(expressions)s)") for each in (map(F, columns), map(Value, values)))
    operator = " > " if above else " < "
    return Func(there, here, template="%(expressions)s", arg_joiner=operator, output_field=BooleanField())


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _refused(name: str, message: str) -> ValidationError:
    return ValidationError({name: [ErrorDetail(message, "invalid")]})
