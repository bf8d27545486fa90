"""What may a browser do with an answer? Security headers, beside those of Django."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

# Nothing inline, and nothing from elsewhere. `data:` is for pictures in the style sheets of Swagger UI.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# For what is no page: a browser that shows it all the same runs and loads nothing.
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
# No page of ours uses any of these.
PERMISSIONS: Final = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


class SecurityHeaders:
    """A Content-Security-Policy and a Permissions-Policy on each answer, and `Cache-Control: no-store` below /api/.

    An answer that has one of them keeps it. The error pages of DEBUG are inline, so they get no policy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        headers = response.headers
        headers.setdefault("Permissions-Policy", PERMISSIONS)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        is_page = headers.get("Content-Type", "").startswith("text/html")
        if not (settings.DEBUG and response.status_code >= 400):
            headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else DATA_POLICY)
        if request.path.startswith("/api/"):
            headers.setdefault("Cache-Control", "no-store")
        return response
