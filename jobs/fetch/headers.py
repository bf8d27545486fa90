"""The request headers that a user may set, and the headers that are sent to another server after a redirect. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from jobs.fetch.requests import CONTENT_HEADERS, Request
from jobs.fetch.urls import Target
from scheduling.storable import Json, storable_text

# RFC 9110, section 5.6.2 (token) and 5.5 (field-value; obs-text left out).
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)
_VALUE: Final = re.compile(r"[\t\x20-\x7e]{0,4000}", re.ASCII)
# Enough for any interface; Apache's default refuses more than 100.
_MOST: Final = 50
# Users may not set these. Host follows from the URL: another one would reach a virtual host that was never checked.
# The others say how the message is framed and encoded, which the connection decides.
_RESERVED: Final = {
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# Characters of a name and of a value in the result.
_MOST_SHOWN: Final = 1000
# These hold credentials for the next request. A result may be read by others, so it does not show them.
_NOT_SHOWN: Final = {"set-cookie", "set-cookie2", "authentication-info"}
# Only these are sent after a redirect to another origin: any other may be a credential for the first server.
_HARMLESS: Final = {"accept", "accept-language", "user-agent"}


def checked(headers: Mapping[str, str]) -> dict[str, str]:
    """Validator for pydantic: the headers unchanged. Raises ValueError that names the bad header, never its value."""
    if len(headers) > _MOST:
        raise ValueError(f"holds {len(headers)} headers: write at most {_MOST}")
    seen: set[str] = set()
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name[:50]!r} is not a header name: write letters, digits and -")
        if name.lower() in _RESERVED:
            raise ValueError(f"{name} cannot be set: it follows from the URL and the connection")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} must be one line of at most 4,000 printable ASCII characters")
        if name.lower() in seen:
            raise ValueError(f"{name} is given twice")
        seen.add(name.lower())
    return dict(headers)


def for_target(request: Request, target: Target, *, first: Target) -> dict[str, str]:
    """The headers to send to `target`. The user gave their headers for `first`.

    To another origin only harmless headers are sent, and with a body the headers that describe it. Credentials in the
    URL become `Authorization`, unless the user set that header.
    """
    given = request.headers
    harmless = _HARMLESS | CONTENT_HEADERS if request.body is not None else _HARMLESS
    same = target.origin == first.origin
    sent = {"Accept-Encoding": "gzip, deflate", "User-Agent": "Tandem"}
    names = {name.lower() for name in given}
    if target.authorization and "authorization" not in names:
        sent["Authorization"] = target.authorization
    if "user-agent" in names:
        del sent["User-Agent"]
    return sent | {name: value for name, value in given.items() if same or name.lower() in harmless}


def shown(received: Iterable[tuple[str, str]], target: Target) -> dict[str, Json]:
    """The headers of an answer from `target`, for the result: names in lower case, long values cut.

    Cookies are left out. A `location` is shown like every URL: without its secrets.
    """
    result: dict[str, Json] = {}
    for name, value in received:
        known = storable_text(name.lower()[:_MOST_SHOWN])
        if known not in _NOT_SHOWN:
            result[known] = storable_text((_location(value, target) if known == "location" else value)[:_MOST_SHOWN])
    return result


def _location(value: str, target: Target) -> str:
    try:
        return target.follow(value).shown
    except ValueError:
        return "***"
