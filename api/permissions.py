"""What may a request do? The user's role allows it, and the scopes of the token can take away from that."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from api import masking
from scheduling import caller, owners
from scheduling.errors import Misconfigured
from scheduling.roles import Role, role_of

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView


class Scope(StrEnum):
    """What a token may be used for, if the role of its user allows it. No scope includes another."""

    READ = "read"
    RUN = "run"
    WRITE = "write"
    ADMIN = "admin"


ALL_SCOPES: Final = tuple(scope.value for scope in Scope)

_USUAL_SCOPE: Final = {Role.VIEWER: Scope.READ, Role.OPERATOR: Scope.WRITE, Role.ADMIN: Scope.ADMIN}


def scopes_of(request: Request) -> Collection[str]:
    """The scopes of the request's token. A session has no token, and all of them."""
    return getattr(request.auth, "scopes", ALL_SCOPES)


class RolePermission(BasePermission):
    """Reading needs the role viewer, writing the role operator. A view can change that in `roles` ({action: Role}).

    The role that is needed names the scope: `read`, `write` or `admin`. A view can change that in `scopes`
    ({action: Scope}).

    A view that shows or changes things of the whole installation is for those who are bound to no owner. A view whose
    rows all come from `scheduling.owners.visible` says `for_bound = True`, or names the actions that are so: what a new
    view forgets is refused (docs/decisions/owners.md).
    """

    message = "Your role does not allow this."
    code = "permission_denied"

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        least, scope = needed(request.method, view)
        role = role_of(request.user)
        masking.sees_secrets.set(role is not None and role >= Role.OPERATOR)
        if role is None or role < least:
            return False
        if scope not in scopes_of(request):
            self.code, self.message = "insufficient_scope", f"The token lacks the scope {scope}."
            return False
        if not _is_for(view):
            self.code, self.message = (
                "bound_to_owner",
                "This is for the whole installation, and you are bound to an owner.",
            )
            return False
        return True


def _is_for(view: APIView) -> bool:
    """Whether the view is for who asks. Raises Misconfigured where nobody knows who that is."""
    if caller.current() is None:
        raise Misconfigured("MIDDLEWARE lacks api.callers.ActingFor, so nobody knows whose things a request may see.")
    return owners.unbound() or bool(getattr(view, "for_bound", False))


def needed(method: str | None, view: APIView) -> tuple[Role, Scope]:
    """The role and the scope that the view needs for this method."""
    action = getattr(view, "action", None) or ""
    roles: dict[str, Role] = getattr(view, "roles", {})
    scopes: dict[str, Scope] = getattr(view, "scopes", {})
    least = roles.get(action, Role.VIEWER if method in SAFE_METHODS else Role.OPERATOR)
    return least, scopes.get(action, _USUAL_SCOPE[least])
