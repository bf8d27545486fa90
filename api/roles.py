"""What may a user do? There are three roles, named like the Django groups that give them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

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


_GROUPS: Final = {role.name.lower(): role for role in Role}


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role:
    """The highest role among the user's groups. A superuser is an admin; a user in none of the groups is a viewer."""
    if getattr(user, "is_superuser", False):
        return Role.ADMIN
    groups = getattr(user, "groups", None)
    names = groups.values_list("name", flat=True) if groups is not None else ()
    return max((_GROUPS[name] for name in names if name in _GROUPS), default=Role.VIEWER)


class RolePermission(BasePermission):
    """Reading needs the role viewer, writing the role operator. A view can change that in `roles` ({action: Role})."""

    message = "Your role does not allow this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        default = Role.VIEWER if request.method in SAFE_METHODS else Role.OPERATOR
        roles: dict[str, Role] = getattr(view, "roles", {})
        return role_of(request.user) >= roles.get(getattr(view, "action", None) or "", default)
