"""How many requests a minute may one token send? (One user, for sessions.)"""

from __future__ import annotations

import time
from math import ceil
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from api.limits.buckets import Buckets

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView

_buckets = Buckets(time.monotonic)


class TokenRate(BaseThrottle):
    """TANDEM_TOKEN_RATE requests a minute, counted by each web process for itself. 0 is no limit."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the request is answered. AddressRate counts who has neither token nor session."""
        rate, user = int(settings.TANDEM_TOKEN_RATE), cast("Any", request.user)
        self._seconds = 0.0
        if rate and user.is_authenticated:
            who = f"user {user.pk}" if request.auth is None else f"token {request.auth.pk}"
            self._seconds = _buckets.take(who, rate)
        return not self._seconds

    def wait(self) -> float | None:
        """Whole seconds until the next request is allowed."""
        return ceil(self._seconds)
