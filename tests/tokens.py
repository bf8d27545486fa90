"""API tokens for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from api.tokens import service
from scheduling import clock


def token_for(user: Any, *, expires_at: datetime | None = None, **options: Any) -> str:
    """The text of a new token of the user: for a day and with all scopes, unless said otherwise."""
    now = clock.now()
    return service.create(user, name="a test", expires_at=expires_at or now + timedelta(days=1), now=now, **options)[1]
