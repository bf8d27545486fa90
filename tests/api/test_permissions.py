"""Which role may do what: the whole table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from api.permissions import Scope
from scheduling.roles import Role
from tests.api.asking import made, stored
from tests.api.conformance import CheckedClient, operations
from tests.api.conftest import checked
from tests.tokens import token_for

LEAST: dict[tuple[str, str], Role] = {
    ("GET", "/api/schedules/"): Role.VIEWER,
    ("POST", "/api/schedules/"): Role.OPERATOR,
    ("GET", "/api/schedules/{id}/"): Role.VIEWER,
    ("PUT", "/api/schedules/{id}/"): Role.OPERATOR,
    ("PATCH", "/api/schedules/{id}/"): Role.OPERATOR,
    ("DELETE", "/api/schedules/{id}/"): Role.OPERATOR,
    ("GET", "/api/schedules/by-key/{key}/"): Role.VIEWER,
    ("PUT", "/api/schedules/by-key/{key}/"): Role.OPERATOR,
    ("DELETE", "/api/schedules/by-key/{key}/"): Role.OPERATOR,
    ("POST", "/api/schedules/{id}/pause/"): Role.OPERATOR,
    ("POST", "/api/schedules/{id}/resume/"): Role.OPERATOR,
    ("POST", "/api/schedules/{id}/move/"): Role.OPERATOR,
    ("POST", "/api/schedules/move/"): Role.OPERATOR,
    ("GET", "/api/schedules/{id}/explain/"): Role.VIEWER,
    ("GET", "/api/tasks/{id}/explain/"): Role.VIEWER,
    ("POST", "/api/schedules/{id}/trigger/"): Role.OPERATOR,
    ("GET", "/api/schedules/{id}/occurrences/"): Role.VIEWER,
    ("GET", "/api/schedules/{id}/tasks/"): Role.VIEWER,
    ("GET", "/api/tasks/"): Role.VIEWER,
    ("POST", "/api/tasks/"): Role.OPERATOR,
    ("GET", "/api/tasks/{id}/"): Role.VIEWER,
    ("POST", "/api/tasks/{id}/cancel/"): Role.OPERATOR,
    ("POST", "/api/tasks/{id}/retry/"): Role.OPERATOR,
    ("GET", "/api/tasks/{id}/log/"): Role.VIEWER,
    ("GET", "/api/tasks/{id}/status/"): Role.VIEWER,
    ("GET", "/api/tasks/{id}/attempts/"): Role.VIEWER,
    ("GET", "/api/tasks/{id}/events/"): Role.VIEWER,
    ("GET", "/api/workflows/"): Role.VIEWER,
    ("POST", "/api/workflows/"): Role.OPERATOR,
    ("GET", "/api/workflows/{id}/"): Role.VIEWER,
    ("POST", "/api/workflows/{id}/cancel/"): Role.OPERATOR,
    ("POST", "/api/workflows/{id}/retry/"): Role.OPERATOR,
    ("GET", "/api/jobs/"): Role.VIEWER,
    ("GET", "/api/jobs/{name}/"): Role.VIEWER,
    ("POST", "/api/schedules/{id}/preview/"): Role.VIEWER,
    ("POST", "/api/cron/describe/"): Role.VIEWER,
    ("GET", "/api/cron/review/"): Role.VIEWER,
    ("GET", "/api/cron/tzdata/"): Role.VIEWER,
    ("POST", "/api/cron/review/"): Role.VIEWER,
    ("POST", "/api/cron/import/"): Role.ADMIN,
    ("GET", "/api/backends/"): Role.VIEWER,
    ("GET", "/api/backends/{name}/"): Role.VIEWER,
    ("GET", "/api/backends/{name}/drift/"): Role.VIEWER,
    ("POST", "/api/backends/{name}/sync/"): Role.ADMIN,
    ("GET", "/api/schedules/{id}/drift/"): Role.VIEWER,
    ("GET", "/api/hosts/"): Role.VIEWER,
    ("GET", "/api/hosts/{name}/"): Role.VIEWER,
    ("GET", "/api/drift/"): Role.VIEWER,
    ("GET", "/api/tokens/"): Role.VIEWER,
    ("POST", "/api/tokens/"): Role.VIEWER,
    ("GET", "/api/tokens/{id}/"): Role.VIEWER,
    ("DELETE", "/api/tokens/{id}/"): Role.VIEWER,
    ("GET", "/api/lateness/"): Role.VIEWER,
    ("GET", "/api/limits/"): Role.VIEWER,
    ("GET", "/api/secrets/"): Role.ADMIN,
    ("PUT", "/api/secrets/{name}/"): Role.ADMIN,
    ("DELETE", "/api/secrets/{name}/"): Role.ADMIN,
    ("GET", "/api/statistics/"): Role.VIEWER,
    ("POST", "/api/schedules/bulk/create/"): Role.OPERATOR,
    ("POST", "/api/schedules/{id}/skip/"): Role.OPERATOR,
    ("POST", "/api/schedules/{id}/backfill/"): Role.OPERATOR,
    ("POST", "/api/schedules/bulk/change/"): Role.OPERATOR,
    ("POST", "/api/schedules/bulk/pause/"): Role.OPERATOR,
    ("POST", "/api/schedules/bulk/resume/"): Role.OPERATOR,
    ("POST", "/api/schedules/bulk/delete/"): Role.OPERATOR,
    ("POST", "/api/tasks/bulk/create/"): Role.OPERATOR,
    ("POST", "/api/tasks/bulk/cancel/"): Role.OPERATOR,
    ("POST", "/api/tasks/bulk/retry/"): Role.OPERATOR,
    ("GET", "/api/audit/"): Role.ADMIN,
}
# What a token needs besides, where it is not `read` for reading, and `write` or `admin` by the role.
RUN = {
    ("POST", "/api/tasks/"), ("POST", "/api/tasks/{id}/cancel/"), ("POST", "/api/tasks/{id}/retry/"),
    ("POST", "/api/workflows/"), ("POST", "/api/workflows/{id}/cancel/"), ("POST", "/api/workflows/{id}/retry/"),
    ("POST", "/api/schedules/{id}/trigger/"), ("POST", "/api/tasks/bulk/create/"), ("POST", "/api/tasks/bulk/cancel/"),
    ("POST", "/api/tasks/bulk/retry/"), ("POST", "/api/schedules/{id}/backfill/"),
}  # fmt: skip
TOKENS = {("POST", "/api/tokens/"), ("DELETE", "/api/tokens/{id}/")}
SCOPES: dict[tuple[str, str], Scope] = (
    {
        key: {Role.VIEWER: Scope.READ, Role.OPERATOR: Scope.WRITE, Role.ADMIN: Scope.ADMIN}[least]
        for key, least in LEAST.items()
    }
    | dict.fromkeys(RUN, Scope.RUN)
    | dict.fromkeys(TOKENS, Scope.ADMIN)
)
TABLE = [(method, path, least) for (method, path), least in sorted(LEAST.items())]


def ask(client: CheckedClient, method: str, path: str) -> Any:
    """Send the request as this role. Roles are checked before the object is looked up, so its id need not exist."""
    address = path.replace("{id}", "999999").replace("{name}", "nothing").replace("{key}", "nothing")
    return client.generic(method, address, "{}" if method != "GET" else "", content_type="application/json")


def with_scopes(role: Role | None, *scopes: Scope) -> CheckedClient:
    """A client with a token of these scopes, whose user has `role`."""
    user = User.objects.create_user("somebody")
    if role is not None:
        user.groups.add(Group.objects.create(name=role.name.lower()))
    client = CheckedClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_for(user, scopes=scopes)}")
    return client


def test_every_operation_of_the_schema_is_in_the_table() -> None:
    # Spectacular calls the number `id`, whatever the view does.
    assert {(method, re.sub("{pk}", "{id}", path)) for method, path in operations()} == set(LEAST)


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
def test_a_role_may_do_what_the_table_says(crontab: Path, db: None, role: Role, subtests: pytest.Subtests) -> None:
    client = checked(role.name.lower())
    for method, path, least in TABLE:
        with subtests.test(method=method, path=path):
            response = ask(client, method, path)
            if role >= least:
                assert response.status_code not in {401, 403}
            else:
                assert response.status_code == 403
                assert response.json()["code"] == "permission_denied"


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.name.lower() if role else "nobody")
@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_takes_away_from_the_role_and_adds_nothing(
    crontab: Path, db: None, scope: Scope, role: Role | None
) -> None:
    client = with_scopes(role, scope)
    for method, path, least in TABLE:
        response = ask(client, method, path)
        allowed = role is not None and role >= least and scope is SCOPES[method, path]
        assert (response.status_code not in {401, 403}) is allowed, (method, path)
        if not allowed:
            role_is_enough = role is not None and role >= least
            assert response.json()["code"] == ("insufficient_scope" if role_is_enough else "permission_denied")


def test_nobody_does_anything_without_a_token(crontab: Path, db: None, subtests: pytest.Subtests) -> None:
    for method, path, _ in TABLE:
        with subtests.test(method=method, path=path):
            response = ask(CheckedClient(), method, path)
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"


def test_what_a_viewer_is_refused_changes_nothing(
    operator: CheckedClient, viewer: CheckedClient, crontab: Path
) -> None:
    schedule = made(operator, backend="crontab")
    before = stored(crontab)
    for method, path, least in TABLE:
        if least > Role.VIEWER:
            address = path.replace("{id}", str(schedule["id"])).replace("{name}", "crontab")
            body = '{"apply": true, "backend": "beat"}'
            assert viewer.generic(method, address, body, content_type="application/json").status_code == 403
    assert stored(crontab) == before
