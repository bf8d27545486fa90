"""What a user may see. Every page begins with one of these, so that who may see what is said in one place."""

from __future__ import annotations

from typing import TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet

from scheduling import queries
from scheduling.errors import NotFound
from scheduling.models import Schedule, Task, Workflow

Row = TypeVar("Row")

User = AbstractBaseUser | AnonymousUser


def schedules(user: User) -> QuerySet[Schedule]:
    """The schedules that the user may see: all of them, for everybody with a role."""
    return queries.schedules()


def tasks(user: User) -> QuerySet[Task]:
    """The tasks that the user may see."""
    return queries.tasks()


def workflows(user: User) -> QuerySet[Workflow]:
    """The workflows that the user may see."""
    return queries.workflows()


def schedule(user: User, pk: int) -> Schedule:
    """One of them. Raises NotFound."""
    return _found(schedules(user).filter(pk=pk).first(), f"There is no schedule {pk}.")


def task(user: User, pk: int) -> Task:
    """One of them, with its workflow. Raises NotFound."""
    return _found(tasks(user).select_related("workflow").filter(pk=pk).first(), f"There is no task {pk}.")


def workflow(user: User, pk: int) -> Workflow:
    """One of them. Raises NotFound."""
    return _found(workflows(user).filter(pk=pk).first(), f"There is no workflow {pk}.")


def _found(row: Row | None, said: str) -> Row:
    if row is None:
        raise NotFound(said)
    return row
