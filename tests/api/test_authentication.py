"""Authentication: valid tokens, and everything that is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from knox.models import AuthToken
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from tests.api.conformance import CheckedClient
from tests.conftest import client_as

SCHEDULES = "/api/schedules/"
GARBAGE = [
    "Bearer", "Bearer ", "Bearer a b", "Bearer x", "Bearer " + "x" * 64, "Bearer " + "x" * 100_000,
    "Bearer \xff\xfe\xe9",
    "Bearer \0", "Bearer ' OR 1=1 --", "Basic dTpw", "Token " + "x" * 64, "\xff", "Bearer\t" + "x" * 64, "bearer x",
    "Bearer " + "0" * 64, "Bearer " + "-_" * 32,
]  # fmt: skip


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
    user = User.objects.create_user("somebody")
    token = AuthToken.objects.create(user)[1]
    assert with_token(token).get(SCHEDULES).status_code == 200
    client = CheckedClient()
    client.credentials(HTTP_AUTHORIZATION=f"bearer {token}")
    assert client.get(SCHEDULES).status_code == 200


def test_a_token_with_another_last_character_is_refused(db: None) -> None:
    token = AuthToken.objects.create(User.objects.create_user("somebody"))[1]
    refused(with_token(token[:-1] + ("0" if token[-1] != "0" else "1")))


def test_an_expired_token_is_refused(db: None) -> None:
    user = User.objects.create_user("somebody")
    refused(with_token(AuthToken.objects.create(user, expiry=timedelta(seconds=-1))[1]))
    assert not AuthToken.objects.exists()


def test_a_token_and_a_role_are_one_statement_each(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    user = User.objects.create_user("somebody")
    tokens = [AuthToken.objects.create(user)[1] for _ in range(3)]
    with django_assert_num_queries(2):
        assert with_token(tokens[1]).get("/api/jobs/").status_code == 200


def test_a_deactivated_user_is_refused(db: None) -> None:
    user = User.objects.create_user("somebody")
    client = with_token(AuthToken.objects.create(user)[1])
    assert client.get(SCHEDULES).status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    refused(client)


def test_a_revoked_token_is_refused(db: None) -> None:
    user = User.objects.create_user("somebody")
    client = with_token(AuthToken.objects.create(user)[1])
    AuthToken.objects.all().delete()
    refused(client)


def test_only_a_hash_of_the_token_is_kept(db: None) -> None:
    token = AuthToken.objects.create(User.objects.create_user("somebody"))[1]
    kept = AuthToken.objects.get()
    assert token not in {kept.digest, kept.token_key}


def test_a_session_reads_but_writes_only_with_the_csrf_token(db: None) -> None:
    user = User.objects.create_superuser("somebody")
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.get(SCHEDULES).status_code == 200
    response = client.post(SCHEDULES, {}, format="json")
    assert response.status_code == 403
    assert "CSRF" in response.json()["detail"]


def test_a_user_without_any_group_may_look_and_not_write(db: None) -> None:
    client = with_token(AuthToken.objects.create(User.objects.create_user("somebody"))[1])
    assert client.get(SCHEDULES).status_code == 200
    assert client.post(SCHEDULES, {}, format="json").status_code == 403


def test_a_superuser_is_an_admin(db: None) -> None:
    client = with_token(AuthToken.objects.create(User.objects.create_superuser("root"))[1])
    assert client.post("/api/backends/beat/sync/", {}, format="json").status_code == 200


def test_a_group_of_another_name_gives_nothing(db: None) -> None:
    assert client_as("administrators").post(SCHEDULES, {}, format="json").status_code == 403
