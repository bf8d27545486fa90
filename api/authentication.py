"""Who sends a request? Hashed, expiring tokens tell (django-rest-knox)."""

from __future__ import annotations

import re

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.models import AuthToken
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

    def _cleanup_token(self, auth_token: AuthToken) -> bool:
        """Whether the token has expired; then it is deleted. knox would read all tokens of the user at each request."""
        if auth_token.expiry is None or auth_token.expiry >= timezone.now():
            return False
        auth_token.delete()
        return True
