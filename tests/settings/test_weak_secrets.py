"""Secrets that production refuses."""

from __future__ import annotations

import secrets

import pytest

from settings.weak_secrets import wrong_with_broker, wrong_with_database, wrong_with_key


@pytest.mark.parametrize("make", [secrets.token_urlsafe, secrets.token_hex])
def test_a_random_key_is_good(make: object) -> None:
    assert callable(make)
    assert wrong_with_key(make(50)) == ""


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("", "is too short"), ("x" * 49, "is too short"), ("a" * 50, "repeats a few characters"),
        ("abcdefg" * 10, "repeats a few characters"), ("0" * 42 + "12345678", ""),
        ("django-insecure-" + "0123456789" * 5, "is the one that `startproject` writes"),
    ],
)  # fmt: skip
def test_a_key_that_can_be_guessed_is_refused(key: str, wrong: str) -> None:
    assert wrong_with_key(key) == wrong


NONE = "has no password, and the broker is on another machine"
DEFAULT = "has a default password"


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("redis://127.0.0.1:6379/0", ""), ("redis://localhost/0", ""), ("redis://[::1]:6379/0", ""),
        ("redis://127.8.8.8/0", ""), ("redis+socket:///run/redis.sock", ""), ("redis://:hunter2@broker/0", ""),
        ("amqp://ada:hunter2@broker//", ""), ("sentinel://:hunter2@a:1;b:1/service", ""),
        ("redis://broker:6379/0", NONE), ("redis://10.0.0.1/0", NONE), ("rediss://broker/0", NONE),
        ("sentinel://a:1;b:1/service", NONE), ("amqp://broker//", NONE), ("amqp://ada@broker//", NONE),
        ("amqp://ada:hunter2@a//;amqp://b//", NONE), ("redis://localhost.example/0", NONE),
        ("amqp://guest:guest@broker//", DEFAULT), ("amqp://guest:guest@localhost//", DEFAULT),
        ("amqp://ada:ada@broker//", DEFAULT), ("redis://:Redis@broker/0", DEFAULT),
        ("redis://:p%61ssword@broker/0", DEFAULT), ("amqp://ada:hunter2@a//;amqp://ada:admin@b//", DEFAULT),
    ],
)  # fmt: skip
def test_a_broker_beyond_this_machine_needs_a_password_of_its_own(url: str, wrong: str) -> None:
    assert wrong_with_broker(url, certificate=False) == wrong


def test_a_certificate_is_as_good_as_a_password() -> None:
    assert wrong_with_broker("rediss://broker/0", certificate=True) == ""
    assert wrong_with_broker("amqps://ada:guest@broker//", certificate=True) == DEFAULT


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("postgresql://ada:hunter2@h/t", ""), ("postgresql://ada@h/t", ""),
        ("postgresql://postgres:postgres@h/t", DEFAULT), ("postgresql://tandem:tandem@localhost/t", DEFAULT),
        ("postgresql://ada:changeme@h/t", DEFAULT),
    ],
)  # fmt: skip
def test_a_database_has_no_default_password(url: str, wrong: str) -> None:
    assert wrong_with_database(url) == wrong
