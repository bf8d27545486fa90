"""How is a request found in logs? Its id is in its log lines and in the answer. The client may choose the id."""

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
# Text that is harmless in a log line and in a header.
_HARMLESS: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class RequestId:
    """The first middleware: takes a harmless X-Request-ID or makes an id, and logs one line for each request.

    Requests for static files are logged at level DEBUG.
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
            # A page asks for its own pictures and scripts: a line for each says nothing.
            level = logging.DEBUG if request.path.startswith(settings.STATIC_URL) else logging.INFO
            # Only the path: the query may hold secrets.
            log.log(level, "%s %a %d in %.0f ms", request.method, request.path, response.status_code, spent)
        return response


def accepted(given: str) -> str:
    """The given id if it is harmless, else a new one."""
    return given if _HARMLESS.fullmatch(given) else uuid4().hex
