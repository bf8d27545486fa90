"""What the pages need of API tokens. The application that TANDEM_TOKEN_SERVICE names makes, finds and revokes them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Protocol, cast

from django.conf import settings
from django.db.models import QuerySet


class TokenService(Protocol):
    """A module with these functions: `api.tokens.service`, unless the setting names another."""

    def tokens(self) -> QuerySet[Any]:
        """All tokens, each with its user and who made it."""

    def create(
        self,
        user: Any,
        *,
        name: str,
        expires_at: datetime,
        now: datetime,
        scopes: Collection[str],
        created_by: Any,
    ) -> tuple[Any, str]:
        """A new token, and its text, which is not kept."""

    def wait_for(self, user: Any, *, now: datetime) -> timedelta | None:
        """Count a token that the user makes. How long to wait if there were too many; None where there were not."""

    def revoke(self, tokens: QuerySet[Any], *, now: datetime) -> int:
        """Revoke those that are not revoked yet. Returns how many these are."""


def token_service() -> TokenService:
    """The module that the setting names. Raises ImportError."""
    return cast("TokenService", import_module(settings.TANDEM_TOKEN_SERVICE))
