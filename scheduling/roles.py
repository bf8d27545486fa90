"""What may a user do? There are three roles, named like the Django groups that give them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


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
