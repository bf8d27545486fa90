"""How are long lists split into pages?"""

import re
from typing import Any, Final

from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

_FOLLOW: Final = "Use the address in `next` or `previous` without changes."


class NewestFirst(CursorPagination):
    """Cursor pages, newest first. New rows do not move the others, and the last page is as fast as the first.

    `?limit=` is 1 to 200. A wrong limit or cursor raises ValidationError. If it were ignored, the client would get
    other rows without noticing.
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
        """The cursor of `?cursor=`. A position that is not an id is refused: it would cause a database error."""
        if "cursor" not in request.query_params:
            return None
        try:
            found = super().decode_cursor(request)
        except NotFound as exc:
            raise _refused("cursor", _FOLLOW) from exc
        # The Base64 decoder ignores characters outside of its alphabet.
        is_base64 = re.fullmatch("[A-Za-z0-9+/]+={0,2}", request.query_params["cursor"])
        if found is None or not is_base64 or not re.fullmatch("[0-9]{1,18}", str(found.position or 0)):
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


def _refused(name: str, message: str) -> ValidationError:
    return ValidationError({name: [ErrorDetail(message, "invalid")]})
