"""A crontab as the body of a request: `curl --data-binary @crontab -H 'Content-Type: text/plain'`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from api.parsers import MOST_BYTES, TooLarge


class CrontabParser(BaseParser):
    """The body becomes the member `crontab`; the other members are query parameters. At most MOST_BYTES."""

    media_type = "text/plain"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body: bytes = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise TooLarge
        request = (parser_context or {})["request"]
        members: dict[str, Any] = request.query_params.dict()
        for elsewhere in ("language", "clock", "format"):
            members.pop(elsewhere, None)
        if members.get("count", "").isdecimal() and len(members["count"]) < 4:
            members["count"] = int(members["count"])
        # cron reads bytes and lives with any; what is no UTF-8 is shown with replacement characters.
        return members | {"crontab": body.decode("utf-8-sig", "replace")}
