"""How large may a request body be, how deep and how long, and how is it read?"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser


class TooLarge(APIException):
    """The request body has more than TANDEM_MAX_BODY_BYTES bytes."""

    status_code = 413
    default_code = "too_large"

    def __init__(self) -> None:
        super().__init__(f"A request body may have at most {settings.TANDEM_MAX_BODY_BYTES:,} bytes.")


class BoundedJSONParser(JSONParser):
    """Reads JSON. Raises TooLarge, and ParseError for what is no JSON, is nested too deeply, or has too long a list."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body = read(stream)
        try:
            found = super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError as exc:
            raise _too_deep() from exc
        check_size(found)
        return found


def read(stream: IO[Any]) -> bytes:
    """The whole body. Raises TooLarge."""
    body: bytes = stream.read(settings.TANDEM_MAX_BODY_BYTES + 1)
    if len(body) > settings.TANDEM_MAX_BODY_BYTES:
        raise TooLarge
    return body


def check_size(value: object) -> None:
    """Raises ParseError if the value has more than TANDEM_MAX_JSON_DEPTH levels, or a list or object of more than
    TANDEM_MAX_LIST_ITEMS members.
    """
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        if depth > settings.TANDEM_MAX_JSON_DEPTH:
            raise _too_deep()
        if max(map(len, level)) > settings.TANDEM_MAX_LIST_ITEMS:
            raise ParseError(f"A list or object in the JSON has more than {settings.TANDEM_MAX_LIST_ITEMS:,} members.")
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]


def _too_deep() -> ParseError:
    return ParseError(f"The JSON is nested too deeply: at most {settings.TANDEM_MAX_JSON_DEPTH} levels.")
