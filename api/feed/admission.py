"""Who may follow live status? Clients with a token or a session; browsers only from a page of this service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http.request import validate_host
from rest_framework.exceptions import AuthenticationFailed

from api.authentication import BearerAuthentication

# A WebSocket of a browser cannot send the header Authorization. So it offers two subprotocols (RFC 6455, section 1.9):
# this one, and the token.
BEARER: Final = "bearer"

Scope = Mapping[str, Any]


def from_foreign_page(scope: Scope) -> bool:
    """Whether a page of another site opened the socket. Programs send no Origin (RFC 6455, section 10.2)."""
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    return any(not _is_ours(origin.decode("latin-1")) for origin in origins)


def subprotocol(scope: Scope) -> str | None:
    """The subprotocol to accept, if any: a browser closes a socket that accepts none of those that it offered."""
    return BEARER if BEARER in scope.get("subprotocols", ()) else None


def user_of(scope: Scope) -> AbstractBaseUser | None:
    """The user who opened the socket; None if the client sent no valid token or session. If it sent both, only the
    token counts.

    Queries the database. `scope["user"]` is the user of the session.
    """
    token = _token(scope)
    if token is None:
        user: AbstractBaseUser | AnonymousUser = scope["user"]
        return user if isinstance(user, AbstractBaseUser) and user.is_active else None
    try:
        return BearerAuthentication().authenticate_credentials(token)[0]
    except AuthenticationFailed:
        return None


def _token(scope: Scope) -> bytes | None:
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
