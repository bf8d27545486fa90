"""What is meant by an address of the API that has no slash at its end? The one with it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase


class SlashAtTheEnd:
    """A middleware that answers `/api/tasks` as `/api/tasks/`, whatever the method.

    Django would redirect instead, and most clients follow a redirect of a POST with a GET, without the body.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/api/") and not request.path_info.endswith("/"):
            request.path_info += "/"
            request.path += "/"
        return self._get_response(request)
