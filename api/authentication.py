"""Who sends a request? A token tells (`api.tokens.service`)."""

from __future__ import annotations

import re
from typing import Any, Final

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from api.models import ApiToken
from api.tokens import service
from scheduling import clock

_BEARER: Final = re.compile(rb"bearer(?: +([^ ]*))?", re.IGNORECASE)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>` (RFC 6750)."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        """The user and the token; None if the header is of another scheme. Raises AuthenticationFailed."""
        given = get_authorization_header(request).strip()
        if given.split(b" ")[0].lower() != b"bearer":
            return None
        found = _BEARER.fullmatch(given)
        token = token_of(found[1] or b"") if found else None
        if token is None:
            raise AuthenticationFailed("The token is not valid: it is unknown, has expired or was revoked.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for (RFC 9110, section 11.6.1)."""
        return "Bearer"


def token_of(text: bytes) -> ApiToken | None:
    """The valid token with this text, whose use is noted; None if there is none."""
    now = clock.now()
    found = service.find(text.decode("ascii", "replace"), now=now)
    if found is not None:
        service.note_use(found, now=now)
    return found
