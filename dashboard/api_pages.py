"""A browser that opens an address of the API gets the page of that thing, not JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import patch_vary_headers

# The addresses below /api/, and where their pages are. Those that a browser reads as they are have none.
_PAGES: Final = (
    (r"schedules/(?P<pk>\d{1,18})/tasks/", "/tasks/?schedule={pk}"),
    (r"(?P<kind>schedules|tasks|workflows)/(?P<pk>\d{1,18})/.*", "/{kind}/{pk}/"),
    (r"(?P<kind>schedules|tasks|workflows)/", "/{kind}/"),
    (r"(backends|hosts|drift|lateness)/.*", "/system/"),
    (r"tokens/.*", "/settings/"),
    (r"cron/(review|import|describe)/", "/review/"),
    (r"(jobs/.*)?", "/api/docs/"),
)
_FORMS: Final = tuple((re.compile(form), page) for form, page in _PAGES)


class ApiPages:
    """Redirects a GET below /api/ whose client names HTML, and not JSON, to the page of the dashboard.

    A client that says `*/*`, or nothing, is a program and gets JSON.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith("/api/"):
            return self._get_response(request)
        page = page_of(request.path.removeprefix("/api/")) if _is_browser(request) else ""
        response = HttpResponseRedirect(page) if page else self._get_response(request)
        patch_vary_headers(response, ["Accept"])
        return response


def page_of(path: str) -> str:
    """The page for a path below /api/; empty where there is none."""
    for form, page in _FORMS:
        if found := form.fullmatch(path):
            return page.format(**found.groupdict())
    return ""


def _is_browser(request: HttpRequest) -> bool:
    if request.method not in {"GET", "HEAD"}:
        return False
    named = {f"{each.main_type}/{each.sub_type}" for each in request.accepted_types}
    return "text/html" in named and "application/json" not in named
