"""API tokens: make one, whose text is shown once, and revoke one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from dashboard.access.token_service import token_service
from dashboard.page import Action, Page
from dashboard.paging import part
from dashboard.readable import duration
from scheduling import clock, owners
from scheduling.errors import NotFound
from scheduling.roles import Role, has_role
from scheduling.storable import problem_with_text

# What a token may be used for, each with what it means. The role of its user can take away from that.
SCOPES: Final = {
    "read": "Read everything",
    "run": "Create, retry and cancel tasks",
    "write": "Make and change schedules",
    "admin": "Manage tokens",
}
# The longest life of a token, as the API has it.
MOST_DAYS: Final = 3650
# Characters: what the column holds.
_LONGEST_NAME: Final = 100


@method_decorator(never_cache, name="dispatch")
class Tokens(Page):
    """The tokens of the user; of all users for an admin."""

    section = "settings"
    template_name = "dashboard/tokens.html"

    def content(self) -> dict[str, Any]:
        """One page of them, newest first."""
        page: Any = part(_tokens(self.request), self.request.GET)
        return {
            "page": page,
            "now": clock.now(),
            "scopes": SCOPES,
            "days": settings.TANDEM_TOKEN_DAYS,
            "chosen": ["read"],
            "of_all": _sees_all(self.request),
        }

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        """Make a token of the user's own. The answer shows its text; nobody can ask for that again."""
        name, chosen = request.POST.get("name", "").strip(), request.POST.getlist("scope")
        given = request.POST.get("days", "")
        faults = _faults(name, chosen, given)
        now, service = clock.now(), token_service()
        if not faults and (wait := service.wait_for(request.user, now=now)):
            faults["name"] = f"Too many tokens were made in the last hour: try again in {duration(wait)}."
        shown: dict[str, Any] = {"faults": faults, "name": name, "chosen": chosen, "days": given}
        if not faults:
            expires = now + timedelta(days=int(given))
            made, text = service.create(
                request.user, name=name, expires_at=expires, now=now, scopes=chosen, created_by=request.user
            )
            shown = {"made": made, "text": text}
        return self.render_to_response({**self.get_context_data(**self.kwargs), **shown}, status=400 if faults else 200)


class Revoke(Action):
    """Refuses a token from now on."""

    fallback = "settings"
    role = Role.VIEWER

    def act(self, pk: int) -> str:
        rows = _tokens(self.request).filter(pk=pk)
        token = rows.first()
        if token is None:
            raise NotFound(f"There is no token {pk}.")
        token_service().revoke(type(token).objects.filter(pk=pk), now=clock.now())
        return f"{token.name} is revoked: it is refused from now on."


def _tokens(request: HttpRequest) -> QuerySet[Any]:
    rows = token_service().tokens()
    return rows if _sees_all(request) else rows.filter(user=request.user)


def _sees_all(request: HttpRequest) -> bool:
    """Whether the page is about the tokens of all users: who is bound to an owner sees only the own ones."""
    return has_role(request.user, Role.ADMIN) and owners.unbound()


def _faults(name: str, chosen: list[str], days: str) -> dict[str, str]:
    found = {}
    if not name or len(name) > _LONGEST_NAME:
        found["name"] = f"Write what it is for, in at most {_LONGEST_NAME} characters."
    elif wrong := problem_with_text(name):
        found["name"] = f"This {wrong}."
    if not chosen or not set(chosen) <= SCOPES.keys():
        found["scope"] = "Choose at least one."
    if not (days.isdecimal() and len(days) < 6 and 1 <= int(days) <= MOST_DAYS):
        found["days"] = f"Write a number of days from 1 to {MOST_DAYS}."
    return found
