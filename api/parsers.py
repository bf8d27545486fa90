"""How large may a request body be, and how is it read?"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

# A body is read as a whole; the largest workflow fits.
MOST_BYTES = 1_000_000


class TooLarge(APIException):
    """The request body has more than MOST_BYTES bytes."""

    status_code = 413
    default_detail = f"A request body may have at most {MOST_BYTES:,} bytes."
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """Reads JSON. Raises TooLarge for more than MOST_BYTES, and ParseError for JSON that is nested too deeply."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise TooLarge
        try:
            return super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError as exc:
            raise ParseError("The JSON is nested too deeply.") from exc
