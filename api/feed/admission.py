"""Who may follow live status? Who may read, by a token or a session; browsers only from a page of this service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host

from api.authentication import token_of
from api.bindings.service import access_of
from api.feed.connections import Visitor
from api.permissions import Scope
from scheduling.roles import Role, has_role

# A WebSocket of a browser cannot send the header Authorization. So it offers two subprotocols (RFC 6455, section 1.9):
# this one, and the token.
BEARER: Final = "bearer"

AsgiScope = Mapping[str, Any]


def from_foreign_page(scope: AsgiScope) -> bool:
    """Whether a page of another site opened the socket. Programs send no Origin (RFC 6455, section 10.2)."""
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    return any(not _is_ours(origin.decode("latin-1")) for origin in origins)


def subprotocol(scope: AsgiScope) -> str | None:
    """The subprotocol to accept, if any: a browser closes a socket that accepts none of those that it offered."""
    return BEARER if BEARER in scope.get("subprotocols", ()) else None


class NotAllowed(Exception):
    """The client is known, but has no role, or its token has not the scope `read`."""


def visitor_of(scope: AsgiScope) -> Visitor | None:
    """Who opened the socket; None if the client sent no valid token or session. If it sent both, only the token counts.

    Queries the database. `scope["user"]` is the user of the session. Raises NotAllowed.
    """
    text = _token(scope)
    token = None if text is None else token_of(text)
    user: Any = scope["user"] if text is None else token.user if token else None
    if user is None or not user.is_active:
        return None
    if not has_role(user, Role.VIEWER) or (token is not None and Scope.READ not in token.scopes):
        raise NotAllowed
    return Visitor(user.pk, None if token is None else token.pk, access_of(user, token))


def _token(scope: AsgiScope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            found = re.fullmatch(rb"bearer +([^ ]+)", value.strip(), re.IGNORECASE)
            return found[1] if found else b""
    offered = scope.get("subprotocols", ())
    if BEARER in offered:
        others = [one for one in offered if one != BEARER]
        return others[0].encode() if others else b""
    return None


def _is_ours(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        return False
    if not host:
        return False
    # Django writes IPv6 addresses in brackets.
    return validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS)
