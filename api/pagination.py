"""How are long lists split into pages?"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from django.db.models import BooleanField, F, Func, Model, Value
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


class NewestFirst(CursorPagination):
    """Cursor pages, newest first. New rows do not move the others, and the last page is as fast as the first.

    The order is that of the ids. A list that is filtered by a time of its rows' history (`TimelineFilter`) is in the
    order of this time, so that the database reads one range of an index instead of all that is newer.

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
        self._columns = _columns(request, view)
        self._cursor = self.decode_cursor(request)
        back = self._cursor is not None and self._cursor.reverse
        rows = queryset.order_by(*(name if back else f"-{name}" for name in self._columns))
        if self._cursor is not None:
            rows = rows.filter(_beyond(self._columns, _values(str(self._cursor.position)), above=back))
        wanted = rows[: self.page_size + 1]
        together = _filters(request, view)
        found = _in_time(wanted, together) if len(together) > 1 or "q" in together else list(wanted)
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
        # A time of 17 digits is in the year 5138: more would leave the calendar.
        numbers = "[0-9]{1,17}-" * (len(self._columns) - 1) + "[0-9]{1,18}"
        if found is None or not is_base64 or found.offset or not re.fullmatch(numbers, str(found.position)):
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

    def _link(self, position: str, *, reverse: bool) -> str:
        return str(self.encode_cursor(Cursor(0, reverse, position)))  # type: ignore[arg-type]  # the stubs know numbers only

    def _position(self, row: Model) -> str:
        """The place of a row in the list: its id, after the time in microseconds since 1970 where a time orders it."""
        values = (getattr(row, name) for name in self._columns)
        return "-".join(str((one - _EPOCH) // _MICROSECOND if isinstance(one, datetime) else one) for one in values)


def _filters(request: Request, view: Any) -> list[str]:
    """The filters that the request gives, without the pages'."""
    known = getattr(getattr(view, "filterset_class", None), "base_filters", {})
    return [name for name in known if request.query_params.get(name)]


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


def _columns(request: Request, view: Any) -> tuple[str, ...]:
    """What orders the list: the time that it is filtered by, if any, and the id."""
    filters = getattr(getattr(view, "filterset_class", None), "base_filters", {})
    for name, each in filters.items():
        if isinstance(each, TimelineFilter) and request.query_params.get(name):
            return str(each.field_name), "pk"
    return ("pk",)


def _values(position: str) -> list[Any]:
    *time, pk = map(int, position.split("-"))
    return [*(_EPOCH + one * _MICROSECOND for one in time), pk]


def _beyond(columns: tuple[str, ...], values: list[Any], *, above: bool) -> Func:
    """Whether a row is after this place: a comparison of rows, for which both databases use the index of the order."""
    there, here = (Func(*each, template="(%(expressions)s)") for each in (map(F, columns), map(Value, values)))
    operator = " > " if above else " < "
    return Func(there, here, template="%(expressions)s", arg_joiner=operator, output_field=BooleanField())


def _refused(name: str, message: str) -> ValidationError:
    return ValidationError({name: [ErrorDetail(message, "invalid")]})
