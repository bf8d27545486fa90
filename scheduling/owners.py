"""Whose is it? The one door to rows that belong to somebody: every list, look-up and feed goes through `visible`.

An owner is the number of a Django group. Who is bound to owners sees and changes what is theirs, and nothing else; who
is bound to none sees everything. The reasons are in docs/decisions/owners.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from django.db.models import Manager, Model, QuerySet

from scheduling import caller
from scheduling.caller import Access
from scheduling.errors import InvalidRequest, Problem
from scheduling.models import AuditEntry, Schedule, Task, TaskEvent, Workflow
from scheduling.phrases import phrase

Row = TypeVar("Row", bound=Model)

# Where the rows of each table have their owner. What belongs to nobody (hosts, drift) is for the unbound only.
_OWNER_OF: Final[dict[type[Model], str]] = {
    Schedule: "owner",
    Task: "owner",
    Workflow: "owner",
    AuditEntry: "owner",
    TaskEvent: "task__owner",
}


def visible(rows: QuerySet[Row] | Manager[Row]) -> QuerySet[Row]:
    """Those of the rows that who asks may see (`scheduling.caller`)."""
    return visible_to(caller.access(), rows)


def visible_to(access: Access, rows: QuerySet[Row] | Manager[Row]) -> QuerySet[Row]:
    """Those of the rows that `access` lets see. Of a table without owners, those who are bound see nothing."""
    if access is None:
        return rows.all()
    field = _OWNER_OF.get(rows.model)
    if field is None or not access:
        return rows.none()
    # A single owner is compared, so that an index gives the rows in the order of a list.
    only: dict[str, Any] = {field: min(access)} if len(access) == 1 else {f"{field}__in": access}
    return rows.filter(**only)


def sees(access: Access, owner: int | None) -> bool:
    """Whether `access` lets see what belongs to `owner` (None: to nobody)."""
    return access is None or owner in access


def usual() -> int | None:
    """The owner of what is created, if nobody names one: the only one that who asks is bound to, else none."""
    access = caller.access()
    return min(access) if access is not None and len(access) == 1 else None


def problems_with(owner: int | None) -> Iterator[Problem]:
    """What is wrong with this owner for something that who asks creates or changes."""
    if not sees(caller.access(), owner):
        yield Problem("owner", "not_yours", phrase("Write the name of an owner that you are bound to."))


def check(owner: int | None) -> None:
    """Raise InvalidRequest where `problems_with` has one."""
    if problems := list(problems_with(owner)):
        raise InvalidRequest(problems)


def access_of_task(task_id: int) -> Access:
    """What the job of a task may show: only what belongs to the task's owner, if it has one."""
    owner = Task.objects.filter(pk=task_id).values_list("owner", flat=True).first()
    return None if owner is None else frozenset({owner})


def owned_by(owner: int) -> Schedule | None:
    """A schedule of this owner, if there is one."""
    return Schedule.objects.filter(owner=owner).first()


def unbound() -> bool:
    """Whether who asks is bound to no owner, and so sees what belongs to the whole installation."""
    return caller.access() is None
