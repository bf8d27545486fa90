"""Authentication: valid tokens, and everything that is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from rest_framework.test import APIClient

from api.models import ApiToken
from tests.api.conformance import CheckedClient
from tests.conftest import client_as
from tests.tokens import token_for

SCHEDULES = "/api/schedules/"
GARBAGE = [
    "Bearer", "Bearer ", "Bearer a b", "Bearer x", "Bearer " + "x" * 64, "Bearer " + "x" * 100_000,
    "Bearer \xff\xfe\xe9",
    "Bearer \0", "Bearer ' OR 1=1 --", "Basic dTpw", "Token " + "x" * 64, "\xff", "Bearer\t" + "x" * 64, "bearer x",
    "Bearer " + "0" * 64, "Bearer " + "-_" * 32, "Bearer tandem_", "Bearer tandem_" + "x" * 42,
    "Bearer tandem_" + "x" * 43, "Bearer tandem_" + "x" * 44,
]  # fmt: skip


def a_user(role: str = "viewer") -> User:
    made = User.objects.create_user("somebody")
    made.groups.add(Group.objects.create(name=role))
    return made


def with_token(token: str) -> CheckedClient:
    client = CheckedClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def refused(client: CheckedClient, code: str = "authentication_failed") -> None:
    response = client.get(SCHEDULES)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] == code


def test_without_a_token_nothing_is_shown(db: None) -> None:
    refused(CheckedClient(), "not_authenticated")


@pytest.mark.parametrize("header", GARBAGE)
def test_a_header_that_holds_no_token_of_ours_is_refused(db: None, header: str) -> None:
    client = CheckedClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    response = client.get(SCHEDULES)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_good_token_is_let_in_in_any_case_of_the_scheme(db: None) -> None:
    user = a_user()
    token = token_for(user)
    assert with_token(token).get(SCHEDULES).status_code == 200
    client = CheckedClient()
    client.credentials(HTTP_AUTHORIZATION=f"bearer {token}")
    assert client.get(SCHEDULES).status_code == 200


def test_a_token_with_another_last_character_is_refused(db: None) -> None:
    token = token_for(a_user())
    refused(with_token(token[:-1] + ("0" if token[-1] != "0" else "1")))


def test_an_expired_token_is_refused(db: None) -> None:
    user = a_user()
    refused(with_token(token_for(user, expires_at=timezone.now() - timedelta(seconds=1))))


def test_a_deactivated_user_is_refused(db: None) -> None:
    user = a_user()
    client = with_token(token_for(user))
    assert client.get(SCHEDULES).status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    refused(client)


def test_a_revoked_token_is_refused(db: None) -> None:
    user = a_user()
    client = with_token(token_for(user))
    ApiToken.objects.update(revoked_at=timezone.now())
    refused(client)


def test_only_a_hash_of_the_token_is_kept(db: None) -> None:
    token = token_for(a_user())
    kept = ApiToken.objects.get()
    assert token.startswith(kept.prefix)
    assert len(kept.prefix) == 15
    assert not [name for name, value in vars(kept).items() if token in str(value)]


def test_a_session_reads_but_writes_only_with_the_csrf_token(db: None) -> None:
    user = User.objects.create_superuser("somebody")
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.get(SCHEDULES).status_code == 200
    response = client.post(SCHEDULES, {}, format="json")
    assert response.status_code == 403
    assert "CSRF" in response.json()["detail"]


def test_a_user_without_a_role_may_do_nothing(db: None) -> None:
    token = token_for(User.objects.create_user("somebody"))
    for path in (SCHEDULES, "/api/tasks/", "/api/tokens/", "/api/"):
        response = with_token(token).get(path)
        assert response.status_code == 403
        assert response.json()["code"] == "permission_denied"


def test_a_superuser_is_an_admin(db: None) -> None:
    client = with_token(token_for(User.objects.create_superuser("root")))
    assert client.post("/api/backends/beat/sync/", {}, format="json").status_code == 200


def test_a_group_of_another_name_gives_nothing(db: None) -> None:
    assert client_as("administrators").get(SCHEDULES).status_code == 403
