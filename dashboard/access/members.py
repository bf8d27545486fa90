"""Who has which role."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction

from dashboard.page import Action, Page
from dashboard.paging import part
from scheduling.errors import Conflict, NotFound
from scheduling.roles import Role, highest

NONE: Final = "none"
# What each role may do, the highest first.
ROLES: Final = {
    "admin": "everything, and these settings",
    "operator": "make, change and run",
    "viewer": "look at everything",
    NONE: "nothing",
}


class Members(Page):
    """All users, each with the role that counts."""

    section = "settings"
    role = Role.ADMIN
    for_bound = False
    template_name = "dashboard/members.html"

    def content(self) -> dict[str, Any]:
        """One page of them, newest first; those that `q` asks for."""
        text = self.request.GET.get("q", "").strip()[:150]
        users = _users().prefetch_related("groups")
        if text:
            users = users.filter(**{f"{get_user_model().USERNAME_FIELD}__icontains": text})
        page: Any = part(users, self.request.GET)
        rows = [(user, _role(user), user.pk == self.request.user.pk) for user in page.rows]
        return {"page": page, "rows": rows, "roles": ROLES, "asked": {"q": text}}


class SetRole(Action):
    """Gives a user one role, and takes the others."""

    fallback = "members"
    role = Role.ADMIN
    for_bound = False

    def act(self, pk: int) -> str:
        wanted = self.request.POST.get("role", "")
        user = _users().filter(pk=pk).first()
        if user is None or wanted not in ROLES:
            raise NotFound("There is no such user or role.")
        if pk == self.request.user.pk:
            raise Conflict("Another admin must change your role, so that one is always left.")
        if getattr(user, "is_superuser", False):
            raise Conflict("A superuser of Django may do everything, whatever the role.")
        with transaction.atomic():
            user.groups.remove(*Group.objects.filter(name__in=ROLES))
            if wanted != NONE:
                user.groups.add(Group.objects.get_or_create(name=wanted)[0])
        return f"{user.get_username()} has {'no role' if wanted == NONE else f'the role {wanted}'} from now on."


def _users() -> Any:
    return get_user_model()._default_manager.all()  # noqa: SLF001 - Django's documented way to any model's manager


def _role(user: Any) -> str:
    if getattr(user, "is_superuser", False):
        return "admin"
    found = highest(group.name for group in user.groups.all())
    return NONE if found is None else found.name.lower()
