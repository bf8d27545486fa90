"""The request headers a user may give, and those that go along to another server. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from jobs.fetch.urls import Target

# RFC 9110, section 5.6.2 (token) and 5.5 (field-value; obs-text left out).
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)
_VALUE: Final = re.compile(r"[\t\x20-\x7e]{0,4000}", re.ASCII)
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


def for_target(given: Mapping[str, str], target: Target, *, first: Target) -> dict[str, str]:
    """The headers to send to `target`, when `first` is where the user's headers were meant for.

    Credentials in the URL become `Authorization`, unless the user gave that header.
    """
    same = target.origin == first.origin
    sent = {"Accept-Encoding": "gzip, deflate", "User-Agent": "Tandem"}
    names = {name.lower() for name in given}
    if target.authorization and "authorization" not in names:
        sent["Authorization"] = target.authorization
    if "user-agent" in names:
        del sent["User-Agent"]
    return sent | {name: value for name, value in given.items() if same or name.lower() in _HARMLESS}
