"""How a crontab is read as the body of a request: `curl --data-binary @crontab -H 'Content-Type: text/plain'`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from api.parsers import read


class CrontabParser(BaseParser):
    """The body becomes the member `crontab`; query parameters become the other members.

    Raises TooLarge.
    """

    media_type = "text/plain"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body = read(stream)
        request = (parser_context or {})["request"]
        members: dict[str, Any] = request.query_params.dict()
        # The view and the renderers read these.
        for not_a_member in ("language", "clock", "format"):
            members.pop(not_a_member, None)
        if members.get("count", "").isdecimal() and len(members["count"]) < 4:
            members["count"] = int(members["count"])
        # cron accepts any bytes. Those that are not UTF-8 are shown as replacement characters.
        return members | {"crontab": body.decode("utf-8-sig", "replace")}
