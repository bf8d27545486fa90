"""Secrets of the database over REST: an admin puts and deletes them, and nobody reads one."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from scheduling.models import StoredSecret
from tests.api.asking import made
from tests.api.conformance import CheckedClient

SECRET = "/api/secrets/shop-token/"
VALUE = "Bearer s3cr3t"


@pytest.fixture(autouse=True)
def _keys(settings: Settings, db: None) -> None:
    settings.TANDEM_SECRET_KEYS = [Fernet.generate_key().decode()]


def test_an_admin_stores_and_lists_and_nobody_reads(admin: CheckedClient, operator: CheckedClient) -> None:
    answer = admin.put(SECRET, {"value": VALUE}, format="json")
    assert answer.status_code == 200
    listed = admin.get("/api/secrets/")
    [shown] = listed.json()
    assert shown == answer.json()
    assert (shown["name"], shown["stored"], shown["changed_by"]["kind"]) == ("shop-token", True, "token")
    audit = admin.get("/api/audit/?subject=secret")
    assert [one["action"] for one in audit.json()["results"]] == ["created"]
    assert not [one for one in (answer, listed, audit) if b"s3cr3t" in one.content]
    assert admin.get(SECRET).status_code == 405
    for method in (operator.put, operator.delete):
        assert method(SECRET, {"value": VALUE}, format="json").status_code == 403


def test_what_is_wrong_is_said_without_the_value(admin: CheckedClient) -> None:
    refused = admin.put(SECRET, {"value": "12345", "more": 1}, format="json")
    assert (refused.status_code, b"12345" in refused.content) == (400, False)
    assert admin.put("/api/secrets/Shop/", {"value": VALUE}, format="json").status_code == 400


def test_without_keys_it_says_what_to_set(admin: CheckedClient, settings: Settings) -> None:
    settings.TANDEM_SECRET_KEYS = []
    refused = admin.put(SECRET, {"value": VALUE}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_secret_keys")
    assert "TANDEM_SECRET_KEYS" in refused.json()["detail"]


def test_one_in_use_is_deleted_by_force(admin: CheckedClient, crontab: Path) -> None:
    admin.put(SECRET, {"value": VALUE}, format="json")
    parameters = {"url": "https://shop.example/", "headers": {"Authorization": {"$secret": "shop-token"}}}
    schedule = made(admin, job="http.fetch", parameters=parameters)
    refused = admin.delete(SECRET)
    assert (refused.status_code, refused.json()["code"]) == (409, "secret_in_use")
    assert admin.delete(f"{SECRET}?force=true&dry_run=true").json() == {"used_by": [schedule["id"]]}
    assert StoredSecret.objects.exists()
    assert admin.delete(f"{SECRET}?force=true").json() == {"used_by": [schedule["id"]]}
    assert admin.delete(SECRET).status_code == 404


def test_djangos_admin_shows_neither_value_nor_seal(admin: CheckedClient, client: Client) -> None:
    admin.put(SECRET, {"value": VALUE}, format="json")
    client.force_login(User.objects.create_superuser("root"))
    page = client.get("/admin/tandem_scheduling/storedsecret/shop-token/change/").content.decode()
    assert "shop-token" in page
    assert StoredSecret.objects.get().sealed not in page
