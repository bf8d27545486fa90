"""The request headers a user may give, and those that go along to another server. Pure."""

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
# Host follows from the URL: another one would reach a virtual host that was never checked. The others say how
# a message is framed and encoded, which is the connection's own business.
_OURS: Final = {
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
# Credentials for the next request, which do not belong into a result that others may read.
_NOT_SHOWN: Final = {"set-cookie", "set-cookie2", "authentication-info"}
# Only these go along when a redirect leaves the origin: any other may be a credential for the first server.
_HARMLESS: Final = {"accept", "accept-language", "user-agent"}


def checked(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers unchanged; for pydantic. Raises ValueError naming the header at fault, never its value."""
    if len(headers) > _MOST:
        raise ValueError(f"holds {len(headers)} headers: write at most {_MOST}")
    seen: set[str] = set()
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name[:50]!r} is no header name: write letters, digits and -")
        if name.lower() in _OURS:
            raise ValueError(f"{name} cannot be set: it follows from the URL and the connection")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} must be one line of at most 4,000 printable ASCII characters")
        if name.lower() in seen:
            raise ValueError(f"{name} is given twice")
        seen.add(name.lower())
    return dict(headers)


def for_target(request: Request, target: Target, *, first: Target) -> dict[str, str]:
    """The headers to send to `target`, when `first` is where the user's headers were meant for.

    A body keeps the headers that describe it. Credentials in the URL become `Authorization`, unless the user
    gave that header.
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
    """An answer's headers from `target`, as the result keeps them: names in lower case, values cut.

    Cookies are left out, and a `location` is shown like any URL, without its secrets.
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
