"""Whose schedule it is: the groups that the form offers, and the one that was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.contrib.auth.models import Group

from scheduling import caller, owners
from scheduling.errors import Problem
from scheduling.roles import Role

# A list of more is none that one reads: REST takes any name.
_MOST: Final = 200
_ROLES: Final = [role.name.lower() for role in Role]


def offered(present: str) -> list[tuple[str, str]]:
    """The owners that who asks may choose: the number of each as text, and its name; `present` is among them.

    Nobody is one of them for who is bound to no owner. Empty where there is nothing to choose.
    """
    access = caller.access()
    groups = Group.objects.exclude(name__in=_ROLES).order_by("name")
    if access is not None:
        groups = groups.filter(pk__in=access)
    found = [(str(pk), name) for pk, name in groups.values_list("pk", "name")[:_MOST]]
    if present and present not in dict(found):
        found.append((present, f"owner {present}"))
    return [("", "nobody"), *found] if found and access is None else found


def read(values: Mapping[str, str], problems: list[Problem]) -> dict[str, int | None]:
    """The field of the schedule; none where the form had none. What cannot be is added to `problems`."""
    if "owner" not in values:
        return {}
    text = values["owner"]
    if not text:
        return {"owner": None}
    known = text.isdecimal() and len(text) < 10 and Group.objects.filter(pk=int(text)).exists()
    if not known or not owners.sees(caller.access(), int(text)):
        problems.append(Problem("owner", "unknown_owner", "Choose an owner of the list."))
        return {}
    return {"owner": int(text)}
