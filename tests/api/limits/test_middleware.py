"""Addresses that ask too much, or guess passwords."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from api.models import CountedAttempt
from tests.api.conformance import CheckedClient, is_problem
from tests.api.conftest import checked

LOGIN = "/admin/login/"


@pytest.fixture
def ada(db: None, settings: Settings) -> User:
    settings.TANDEM_LOGIN_ATTEMPTS = 3
    return User.objects.create_superuser("ada", password="right")


def login(password: str, *, name: str = "ada", address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post(LOGIN, {"username": name, "password": password})


def test_after_some_wrong_passwords_not_even_the_right_one_is_looked_at(ada: User) -> None:
    assert [login(password).status_code for password in ("a", "b", "c", "right")] == [200, 200, 200, 429]
    response = login("right")
    assert 0 < int(response.headers["Retry-After"]) <= 900
    assert "Too many wrong passwords. Try again in" in response.content.decode()


def test_other_names_from_the_same_address_are_refused_too_and_other_addresses_are_not(ada: User) -> None:
    for password in ("a", "b", "c"):
        login(password)
    assert login("x", name="bob").status_code == 429
    assert login("right", address="192.0.2.2").status_code == 302


def test_right_passwords_do_not_count(ada: User) -> None:
    assert [login("right").status_code for _ in range(9)] == [302] * 9
    assert CountedAttempt.objects.count() == 0


def test_a_right_password_does_not_make_room_for_guesses(ada: User) -> None:
    User.objects.create_superuser("eve", password="hers")
    answers = [login("a"), login("b"), login("hers", name="eve"), login("c"), login("d")]
    assert [one.status_code for one in answers] == [200, 200, 302, 200, 429]


def test_one_name_from_many_addresses_is_refused_in_the_end(ada: User) -> None:
    answers = [login("x", address=f"192.0.2.{number}").status_code for number in range(1, 20)]
    assert answers == [200] * 15 + [429] * 4


def test_one_address_alone_cannot_lock_a_name(ada: User) -> None:
    for _ in range(50):
        login("x")
    assert login("right", address="192.0.2.2").status_code == 302


def test_looking_at_the_page_does_not_count(ada: User) -> None:
    assert {Client().get(LOGIN).status_code for _ in range(9)} == {200}
    assert CountedAttempt.objects.count() == 0


@pytest.fixture
def two_a_minute(db: None, settings: Settings) -> None:
    settings.TANDEM_ADDRESS_RATE = 2


def test_an_address_asks_only_so_often_also_without_a_token(two_a_minute: None) -> None:
    client = CheckedClient()
    assert [client.get("/api/tasks/").status_code for _ in range(3)] == [401, 401, 429]
    response = client.get("/api/tasks/")
    assert response.json()["code"] == "throttled"
    assert 0 < int(response.headers["Retry-After"]) <= 30
    is_problem(response.json())
    assert Client(REMOTE_ADDR="192.0.2.2").get("/api/tasks/").status_code == 401


def test_health_and_static_files_are_not_counted(two_a_minute: None) -> None:
    client = Client()
    assert {client.get("/healthz").status_code for _ in range(5)} == {200}
    assert {client.get("/static/nothing.css").status_code for _ in range(5)} == {404}
    assert client.get("/admin/login/").status_code == 200


def test_a_token_asks_only_so_often_and_another_one_is_counted_apart(db: None, settings: Settings) -> None:
    settings.TANDEM_TOKEN_RATE = 2
    one, other = checked("viewer"), checked("viewer")
    assert [one.get("/api/jobs/").status_code for _ in range(3)] == [200, 200, 429]
    assert one.get("/api/jobs/").json()["code"] == "throttled"
    assert 0 < int(one.get("/api/jobs/").headers["Retry-After"]) <= 30
    assert other.get("/api/jobs/").status_code == 200


def test_the_sessions_of_a_user_are_counted_together(ada: User, settings: Settings) -> None:
    settings.TANDEM_TOKEN_RATE = 2
    clients = [CheckedClient() for _ in range(3)]
    for client in clients:
        client.force_login(ada)
    assert [client.get("/api/jobs/").status_code for client in clients] == [200, 200, 429]


def test_tokens_are_made_only_so_often(db: None, settings: Settings) -> None:
    settings.TANDEM_TOKENS_AN_HOUR = 2
    client = checked("viewer")
    answers = [client.post("/api/tokens/", {"name": "x", "scopes": ["read"]}, format="json") for _ in range(3)]
    assert [one.status_code for one in answers] == [201, 201, 429]
    assert answers[-1].json()["code"] == "throttled"
    assert 3500 < int(answers[-1].headers["Retry-After"]) <= 3600
    assert checked("viewer").post("/api/tokens/", {"name": "x", "scopes": ["read"]}, format="json").status_code == 201
