"""Two owners, red and blue: somebody of each who may do everything with what is theirs, and what is blue's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client

from api.bindings import service
from scheduling import clock
from tests.api.asking import made
from tests.api.conformance import CheckedClient
from tests.tokens import token_for

# In the name of everything that is blue's.
MARK = "azure"


@dataclass(frozen=True, slots=True)
class Somebody:
    """A user, with a client for REST and one for pages."""

    user: User
    rest: CheckedClient
    pages: Client


def owner(name: str) -> Group:
    """The group that is an owner."""
    return Group.objects.get_or_create(name=name)[0]


def client_of(user: User, **token: Any) -> CheckedClient:
    """A checked client with a new token of the user."""
    client = CheckedClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_for(user, **token)}")
    return client


def somebody(name: str, *, bound_to: str = "", role: str = "admin") -> Somebody:
    """A user with this role, bound to this owner if one is named."""
    user = User.objects.create_user(name)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    if bound_to:
        service.bind(owner(bound_to), user=user, now=clock.now())
    pages = Client()
    pages.force_login(user)
    return Somebody(user, client_of(user), pages)


@dataclass(frozen=True, slots=True)
class Things:
    """What somebody has created: the answers of REST."""

    schedule: dict[str, Any]
    task: dict[str, Any]
    workflow: dict[str, Any]
    token: dict[str, Any]


def things_of(one: Somebody, mark: str = MARK) -> Things:
    """A schedule, a task, a workflow and a token, with the mark in every name."""
    job = {"job": "demo.process_data"}
    answers = [
        one.rest.post("/api/tasks/", {"name": f"{mark} task", "tags": [mark], **job}, format="json"),
        one.rest.post("/api/workflows/", {"name": f"{mark} workflow", "workflow": job}, format="json"),
        one.rest.post("/api/tokens/", {"name": f"{mark} token", "scopes": ["read"]}, format="json"),
    ]
    assert {answer.status_code for answer in answers} == {201}, [answer.json() for answer in answers]
    schedule = made(one.rest, name=f"{mark} schedule", key=f"{mark}-key", tags=[mark], backend="beat")
    return Things(schedule, *(answer.json() for answer in answers))
