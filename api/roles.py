"""What may a request do? The user's role allows it, and the scopes of the token can take away from that.

There are three roles, named like the Django groups that give them. Who is in none of these groups may do nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView


class Role(IntEnum):
    """The roles, lowest first. A role may do everything that the lower roles may do."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


class Scope(StrEnum):
    """What a token may be used for, if the role of its user allows it. No scope includes another."""

    READ = "read"
    RUN = "run"
    WRITE = "write"
    ADMIN = "admin"


ALL_SCOPES: Final = tuple(scope.value for scope in Scope)

_GROUPS: Final = {role.name.lower(): role for role in Role}
_USUAL_SCOPE: Final = {Role.VIEWER: Scope.READ, Role.OPERATOR: Scope.WRITE, Role.ADMIN: Scope.ADMIN}


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The highest role among the user's groups; None for a user in none of them. A superuser is an admin."""
    if getattr(user, "is_superuser", False):
        return Role.ADMIN
    groups = getattr(user, "groups", None)
    names = groups.values_list("name", flat=True) if groups is not None else ()
    return max((_GROUPS[name] for name in names if name in _GROUPS), default=None)


def has_role(user: AbstractBaseUser | AnonymousUser, least: Role) -> bool:
    """Whether the user has the role `least` or a higher one."""
    role = role_of(user)
    return role is not None and role >= least


def with_role(user_ids: Iterable[int]) -> set[int]:
    """The ids of those users who are active and have a role."""
    users = get_user_model()._default_manager.filter(pk__in=set(user_ids))  # noqa: SLF001 - Django's documented way to any model's manager
    return {user.pk for user in users if user.is_active and role_of(user) is not None}


def scopes_of(request: Request) -> Collection[str]:
    """The scopes of the request's token. A session has no token, and all of them."""
    return getattr(request.auth, "scopes", ALL_SCOPES)


class RolePermission(BasePermission):
    """Reading needs the role viewer, writing the role operator. A view can change that in `roles` ({action: Role}).

    The role that is needed names the scope: `read`, `write` or `admin`. A view can change that in `scopes`
    ({action: Scope}).
    """

    message = "Your role does not allow this."
    code = "permission_denied"

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        least, scope = needed(request.method, view)
        if not has_role(request.user, least):
            return False
        if scope not in scopes_of(request):
            self.code, self.message = "insufficient_scope", f"The token lacks the scope {scope}."
            return False
        return True


def needed(method: str | None, view: APIView) -> tuple[Role, Scope]:
    """The role and the scope that the view needs for this method."""
    action = getattr(view, "action", None) or ""
    roles: dict[str, Role] = getattr(view, "roles", {})
    scopes: dict[str, Scope] = getattr(view, "scopes", {})
    least = roles.get(action, Role.VIEWER if method in SAFE_METHODS else Role.OPERATOR)
    return least, scopes.get(action, _USUAL_SCOPE[least])
