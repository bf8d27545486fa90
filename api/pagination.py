"""Pages of long lists."""

import re

from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class NewestFirst(CursorPagination):
    """Cursor pages: stable while rows are added, and as fast at the end as at the start. `?limit=` up to 200.

    A limit or a cursor that cannot be raises ValidationError: a client that got other rows than it asked for would not notice.
    """

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int:
        given = request.query_params.get("limit", str(self.page_size))
        if not re.fullmatch("[0-9]{1,3}", given) or not 1 <= int(given) <= self.max_page_size:
            raise _refused("limit", f"Write a number from 1 to {self.max_page_size}.")
        return int(given)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """What `?cursor=` says. A position that is no id would be an error of the database."""
        given = request.query_params.get("cursor")
        if given is None:
            return None
        found = super().decode_cursor(request) if given.isascii() else None
        if found is None or not re.fullmatch("[0-9]{1,18}", found.position or "0"):
            raise _refused("cursor", "Follow `next` or `previous` as they were given.")
        return found


def _refused(name: str, message: str) -> ValidationError:
    return ValidationError({name: [ErrorDetail(message, "invalid")]})
