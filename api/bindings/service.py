"""Which owners are users and tokens bound to, and how is that changed?"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q

from api.models import ApiToken, Binding
from scheduling import audit
from scheduling.caller import Access
from scheduling.errors import InvalidRequest, Problem
from scheduling.roles import Role

_ROLES = frozenset(role.name.lower() for role in Role)


def access_of(user: Any, token: ApiToken | None) -> Access:
    """What a user may see with this token, or with a session (None): the rows of some owners, or everything.

    Who is bound to no owner sees what TANDEM_UNBOUND_SEES says.
    """
    # Who sends a token has mostly no binding, and the look-up of the token has seen that already.
    is_bound = getattr(token, "user_is_bound", True)
    found = frozenset(Binding.objects.filter(_of_user(user.pk)).values_list("owner_id", flat=True) if is_bound else ())
    access = found or unbound(is_superuser=user.is_superuser)
    return narrowed(access, token.owner_id if token is not None else None)


def unbound(*, is_superuser: bool) -> Access:
    """What a user sees who is bound to no owner."""
    return None if is_superuser or settings.TANDEM_UNBOUND_SEES == "everything" else frozenset()


def narrowed(access: Access, owner: int | None) -> Access:
    """What is left of `access` with a token that is bound to `owner`, if it is."""
    if owner is None:
        return access
    return frozenset({owner}) if access is None or owner in access else frozenset()


def owners_of_users(user_ids: Collection[int]) -> dict[int, Access]:
    """What each user may see with a session: three statements at most, however many users there are."""
    found: dict[int, set[int]] = {pk: set() for pk in user_ids}
    for way in ("user", "group__user"):
        rows = Binding.objects.filter(**{f"{way}__in": list(user_ids)})
        for user_id, owner in rows.values_list(way, "owner_id"):
            found[user_id].add(owner)
    free = [pk for pk, owners in found.items() if not owners]
    seen: dict[int, Access] = {pk: frozenset(owners) for pk, owners in found.items()}
    return seen | dict.fromkeys(free, unbound(is_superuser=False)) | dict.fromkeys(_superusers(free))


def _superusers(user_ids: Collection[int]) -> list[int]:
    """Those of the users who are superusers; none where everybody who is not bound sees the same."""
    if not user_ids or unbound(is_superuser=False) is None:
        return []
    return list(get_user_model().objects.filter(pk__in=user_ids, is_superuser=True).values_list("pk", flat=True))


def names(owner_ids: Iterable[int]) -> dict[int, str]:
    """The names of owners by their numbers."""
    return dict(Group.objects.filter(pk__in=set(owner_ids)).values_list("pk", "name"))


def owner_named(name: str, access: Access) -> Group:
    """The group of this name, if it can be an owner and `access` lets see it.

    Raises InvalidRequest, with the same words for one that does not exist as for one that may not be seen.
    """
    found = None if name in _ROLES else Group.objects.filter(name=name).first()
    if found is None or (access is not None and found.pk not in access):
        said = "There is no such owner for you: write the name of a group that is no role."
        raise InvalidRequest([Problem("owner", "unknown_owner", said)])
    return found


def bind(owner: Group, *, user: Any = None, group: Group | None = None, now: datetime) -> bool:
    """Bind a user, or a group, to an owner. Returns False where they were bound already."""
    with transaction.atomic():
        _, is_new = Binding.objects.get_or_create(user=user, group=group, owner=owner)
        if is_new:
            _note("bound", owner, user or group, now)
    return is_new


def unbind(owner: Group, *, user: Any = None, group: Group | None = None, now: datetime) -> bool:
    """Take such a binding back. Returns False where there was none. Who has none left sees what `unbound` says."""
    with transaction.atomic():
        deleted, _ = Binding.objects.filter(user=user, group=group, owner=owner).delete()
        if deleted:
            _note("unbound", owner, user or group, now)
    return deleted > 0


def _of_user(user_id: Any) -> Q:
    """Which bindings concern a user: their own, and those of their groups."""
    return Q(user=user_id) | Q(group__user=user_id)


def _note(action: str, owner: Group, who: Any, now: datetime) -> None:
    kind = "group" if isinstance(who, Group) else "user"
    pair: list[Any] = [None, str(who)]
    changes = {kind: pair if action == "bound" else pair[::-1]}
    audit.record(audit.Change("binding", owner.name, action, owner.name, owner.pk, changes), now=now)
