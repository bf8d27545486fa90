"""How are users found, created and given a role? With any user model that AUTH_USER_MODEL names."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, Group

from scheduling.errors import Misconfigured
from scheduling.roles import Role


def name_field() -> str:
    """The field of the user model that holds the name with which a user logs in."""
    return str(get_user_model().USERNAME_FIELD)


def find(name: str) -> AbstractBaseUser | None:
    """The user who logs in as `name`; None if there is none."""
    return get_user_model()._default_manager.filter(**{name_field(): name}).first()  # noqa: SLF001 - Django's documented way to any model's manager


def get_or_create(name: str, *, superuser: bool = False) -> tuple[AbstractBaseUser, bool]:
    """The user who logs in as `name`, and whether this call created that user.

    A new user has no usable password. With `superuser` a new user is staff and superuser, if the user model has these.
    """
    found = find(name)
    if found is not None:
        return found, False
    user = get_user_model()(**{name_field(): name})
    for right in ("is_staff", "is_superuser"):
        if superuser and hasattr(user, right):
            setattr(user, right, True)
    user.set_unusable_password()
    user.save()
    return user, True


def give_role(user: AbstractBaseUser, role: Role) -> None:
    """Put the user into the role's group. Raises Misconfigured for a user model that has no groups."""
    groups = getattr(user, "groups", None)
    if groups is None:
        raise Misconfigured("AUTH_USER_MODEL has no groups, which roles need: derive it from PermissionsMixin.")
    groups.add(Group.objects.get_or_create(name=role.name.lower())[0])
