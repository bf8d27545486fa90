"""For whom does a request act? One middleware says it to everything below: REST, dashboard, services, audit log."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase

from api.bindings.service import access_of
from api.limits.addresses import peer_of
from api.models import ApiToken
from scheduling.caller import NOBODY, Caller, acting

_KNOWN: Final = "_tandem_caller"


class ActingFor:
    """After Django's AuthenticationMiddleware: inside a request, `scheduling.caller` knows who sends it.

    A token is looked at later, by the view. So the caller is worked out when somebody first asks for it: whoever asks
    before a view has admitted somebody gets NOBODY, who sees nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with acting(partial(caller_of, request)):
            return self._get_response(request)


def caller_of(request: HttpRequest) -> Caller:
    """Who sends the request. Asks the database once a request; not at all for who is not known."""
    known: Caller | None = getattr(request, _KNOWN, None)
    # REST's views set both on this request when they have looked at the token.
    user: Any = getattr(request, "user", None)
    if known is not None or user is None or not user.is_authenticated:
        return known or NOBODY
    token: Any = getattr(request, "auth", None)
    token = token if isinstance(token, ApiToken) else None
    found = Caller(
        kind="token" if token else "user",
        user=user.get_username(),
        user_key=str(user.pk),
        token=f"{token.prefix} {token.name}" if token else "",
        address=peer_of(request),
        access=access_of(user, token),
    )
    setattr(request, _KNOWN, found)
    return found
