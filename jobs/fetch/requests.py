"""The request that is sent to a server, and the one that follows a redirect. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from scheduling.storable import Json

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

# RFC 9110, sections 8.3 to 8.7: headers that describe a body. They are sent only with it.
CONTENT_HEADERS: Final = frozenset({"content-type", "content-encoding", "content-language", "content-location"})
_SEE_OTHER: Final = 303
_FOUND: Final = {301, 302}


@dataclass(frozen=True, slots=True)
class Request:
    """A method, the user's headers and a body. The address is a separate Target."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)

    def redirected(self, status: int) -> Request:
        """The request that follows a redirect with `status` (RFC 9110, section 15.4).

        After 303 it is a GET (a HEAD stays a HEAD). After 301 and 302 a POST becomes a GET, as in every user agent.
        In all other cases the request is repeated unchanged, as 307 and 308 demand.
        """
        see_other = status == _SEE_OTHER and self.method != "HEAD"
        if see_other or (status in _FOUND and self.method == "POST"):
            kept = {name: value for name, value in self.headers.items() if name.lower() not in CONTENT_HEADERS}
            return Request("GET", kept, None)
        return self


def request(method: str, headers: Mapping[str, str], body: Json) -> Request:
    """The request to send. A text body is sent in UTF-8, an object or array as JSON.

    Content-Type follows from the body, unless `headers` has one.
    """
    if body is None:
        return Request(method, headers, None)
    text, kind = (body, "text/plain; charset=utf-8") if isinstance(body, str) else (_json(body), "application/json")
    if not any(name.lower() == "content-type" for name in headers):
        headers = {**headers, "Content-Type": kind}
    return Request(method, headers, text.encode())


def _json(body: Json) -> str:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
