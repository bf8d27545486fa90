"""`/healthz` and `/readyz`: does this process live, and can it work? For probes: without login, without secrets, JSON.

Why it is not ready is told only to who shows a token that may read.

This is a middleware before those of Django: a probe uses no TLS and sends an address that is not in ALLOWED_HOSTS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from rest_framework.exceptions import AuthenticationFailed

from api.authentication import BearerAuthentication
from api.permissions import Scope
from scheduling import doctor
from scheduling.database_away import unavailable
from scheduling.roles import Role, has_role

# An answer is used again for this long, because each check opens a connection to the broker.
KEEP_SECONDS: Final = 2.0


class HealthEndpoints:
    """Answers `/healthz` and `/readyz`, and passes all other requests on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._ready = CachedAnswer(readiness, time.monotonic)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/healthz":
            return _answer({"status": "ok"}, HTTPStatus.OK)
        if request.path == "/readyz":
            body, status = self._ready()
            return _answer(body if _may_read(request) else {"status": body["status"]}, status)
        return self._get_response(request)


class CachedAnswer:
    """Keeps the answer of `ask` for KEEP_SECONDS. While one thread asks, the others wait. `clock` is monotonic."""

    def __init__(self, ask: Callable[[], tuple[dict[str, Any], HTTPStatus]], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._last: tuple[float, tuple[dict[str, Any], HTTPStatus]] | None = None

    def __call__(self) -> tuple[dict[str, Any], HTTPStatus]:
        """The answer, at most KEEP_SECONDS old."""
        with self._lock:
            if self._last is None or self._clock() - self._last[0] >= KEEP_SECONDS:
                answer = self._ask()
                self._last = (self._clock(), answer)
            return self._last[1]


def readiness() -> tuple[dict[str, Any], HTTPStatus]:
    """The body, and 200 if the database answers, has all migrations and takes a write, else 503.

    The body also shows the broker. That does not change the status: while the broker is away, tasks are stored, and
    sent later.
    """
    database = doctor.database()
    ready = database.ok
    found = [database, *doctor.executors()]
    body = {"status": "ready" if ready else "not ready", "checks": [asdict(one) for one in found]}
    return body, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE


def _may_read(request: HttpRequest) -> bool:
    """Whether the request shows a token with a role and the scope `read`. Without a database nobody is recognised."""
    try:
        found = BearerAuthentication().authenticate(cast("Any", request))
        return found is not None and has_role(found[0], Role.VIEWER) and Scope.READ in found[1].scopes
    except AuthenticationFailed:
        return False
    except Exception as exc:
        if unavailable(exc):
            return False
        raise


def _answer(body: dict[str, Any], status: HTTPStatus) -> HttpResponseBase:
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
