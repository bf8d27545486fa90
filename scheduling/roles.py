"""What may a user do? There are three roles, named like the Django groups that give them.

Who is in none of these groups may do nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group

from scheduling.prepared import PreparedQuery


class Role(IntEnum):
    """The roles, lowest first. A role may do everything that the lower roles may do."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


_GROUPS: Final = {role.name.lower(): role for role in Role}
# Each request asks for them.
_GROUPS_OF: Final = PreparedQuery[int](lambda user: Group.objects.filter(user=user).values_list("name"), stand_in=-1)


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The highest role among the user's groups; None for a user in none of them. A superuser is an admin."""
    if getattr(user, "is_superuser", False):
        return Role.ADMIN
    groups = getattr(user, "groups", None)
    if groups is None or user.pk is None:
        return None
    if isinstance(user.pk, int):
        return highest(name for (name,) in _GROUPS_OF.rows(user.pk))
    # A user model of one's own may have other keys.
    return highest(groups.values_list("name", flat=True))


def highest(groups: Iterable[str]) -> Role | None:
    """The highest role that groups of these names give; None where none of them gives one."""
    return max((_GROUPS[name] for name in groups if name in _GROUPS), default=None)


def has_role(user: AbstractBaseUser | AnonymousUser, least: Role) -> bool:
    """Whether the user has the role `least` or a higher one."""
    role = role_of(user)
    return role is not None and role >= least


def with_role(user_ids: Iterable[int]) -> set[int]:
    """The ids of those users who are active and have a role."""
    users = get_user_model()._default_manager.filter(pk__in=set(user_ids))  # noqa: SLF001 - Django's documented way to any model's manager
    return {user.pk for user in users if user.is_active and role_of(user) is not None}
