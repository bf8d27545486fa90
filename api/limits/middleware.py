"""Who is answered 429 before anything else is looked at? Addresses that ask too much, or guess passwords."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from math import ceil
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse

from api.errors import MEDIA_TYPE, problem
from api.limits.addresses import address_of
from api.limits.attempts import Allowance, count
from api.limits.buckets import Buckets
from scheduling import clock

log = logging.getLogger(__name__)

# So long a login that failed counts.
LOGIN_WINDOW: Final = timedelta(minutes=15)
# A name may fail more often than an address, so that nobody locks others out from one place.
NAME_TIMES: Final = 5

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class AddressRate:
    """TANDEM_ADDRESS_RATE requests a minute from one address, counted by each web process for itself. 0 is no limit.

    Static files are not counted: a page asks for many.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response
        self._buckets = Buckets(time.monotonic)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        rate = int(settings.TANDEM_ADDRESS_RATE)
        if rate and not request.path.startswith(settings.STATIC_URL):
            wait = self._buckets.take(address_of(request), rate)
            if wait:
                return too_many(request, wait, "Too many requests from this address.")
        return self._get_response(request)


class LoginAttempts:
    """TANDEM_LOGIN_ATTEMPTS wrong passwords from one address in LOGIN_WINDOW, and NAME_TIMES as many for one name.

    Beyond that not even the right password is looked at.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST" or request.path != reverse("admin:login"):
            return self._get_response(request)
        most, name = int(settings.TANDEM_LOGIN_ATTEMPTS), request.POST.get("username", "")
        allowances = [
            Allowance(f"login from {address_of(request)}", most, LOGIN_WINDOW),
            Allowance(f"login as {name}", most * NAME_TIMES, LOGIN_WINDOW),
        ]
        attempt = count(allowances, now=clock.now())
        if attempt.wait is not None:
            log.warning("too many wrong passwords from %s", address_of(request))
            return too_many(request, attempt.wait.total_seconds(), "Too many wrong passwords.")
        response = self._get_response(request)
        if response.status_code == HTTPStatus.FOUND:
            # The password was right.
            attempt.forget()
        return response


def too_many(request: HttpRequest, seconds: float, said: str) -> HttpResponse:
    """429 with Retry-After: a problem document under /api/, text elsewhere."""
    status, wait = HTTPStatus.TOO_MANY_REQUESTS, max(1, ceil(seconds))
    detail = f"{said} Try again in {wait} seconds."
    headers = {"Retry-After": str(wait)}
    if request.path.startswith("/api/"):
        body = problem(status, "throttled", detail)
        return JsonResponse(body, status=status, content_type=MEDIA_TYPE, headers=headers)
    return HttpResponse(detail, status=status, content_type="text/plain; charset=utf-8", headers=headers)
