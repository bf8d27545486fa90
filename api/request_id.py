"""A number for each request: in its log lines, in the answer, and from whoever called us if they had one."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from scheduling import log_context

log = logging.getLogger(__name__)

HEADER: Final = "X-Request-ID"
# What fits into a log line and a header without doing anything there.
_SANE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class RequestId:
    """Middleware, the first of all: accepts a sane X-Request-ID or makes one, and writes one line for each request.

    The lines of static files are of level DEBUG.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = accepted(request.headers.get(HEADER, ""))
        started = time.monotonic()
        with log_context.bound(request_id=request_id):
            response = self._get_response(request)
            response.headers[HEADER] = request_id
            spent = (time.monotonic() - started) * 1000
            # A page asks for its pictures and scripts by itself.
            level = logging.DEBUG if request.path.startswith(settings.STATIC_URL) else logging.INFO
            # The path alone: a query may hold what is nobody's business.
            log.log(level, "%s %a %d in %.0f ms", request.method, request.path, response.status_code, spent)
        return response


def accepted(given: str) -> str:
    """The id that was given, or a new one in its place where it could do harm."""
    return given if _SANE.fullmatch(given) else uuid4().hex
