"""Who sends a request? Hashed, expiring tokens tell (django-rest-knox)."""

from __future__ import annotations

import re

from django.contrib.auth.models import AbstractBaseUser
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox has no type hints
    """`Authorization: Bearer <token>` (RFC 6750)."""

    def authenticate_credentials(self, token: bytes) -> tuple[AbstractBaseUser, object]:
        """The user and the token. Raises AuthenticationFailed.

        The database is not asked for a text that cannot be a token of ours.
        """
        if not re.fullmatch(rb"[0-9A-Za-z_-]{16,200}", token):
            raise AuthenticationFailed("Invalid token.")
        user, found = super().authenticate_credentials(token)
        return user, found
