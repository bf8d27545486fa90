"""`/healthz` and `/readyz`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from api.health.middleware import KEEP_SECONDS, CachedAnswer
from api.permissions import Scope
from scheduling.roles import Role
from tests.api.conftest import checked
from tests.api.test_permissions import with_scopes

pytestmark = pytest.mark.django_db


def checks(body: dict[str, Any]) -> dict[str, bool]:
    return {check["name"]: check["ok"] for check in body["checks"]}


def test_a_process_that_answers_is_alive() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_probe_needs_no_host_name_and_no_tls(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["tandem.example"]
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/healthz", headers={"host": "10.1.2.3:8000"}).status_code == 200


def test_it_is_ready_without_a_broker_and_says_so() -> None:
    answer = checked("viewer").get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert checks(answer.json()) == {"database": True, "broker": False}


def test_it_is_not_ready_before_the_migrations() -> None:
    name = connection.introspection.django_table_names()[0]
    assert name
    recorder = MigrationRecorder(connection)
    last = recorder.migration_qs.filter(app="tandem_scheduling").order_by("pk").last()
    assert last is not None
    recorder.record_unapplied("tandem_scheduling", last.name)
    assert Client().get("/readyz").json() == {"status": "not ready"}
    answer = checked("viewer").get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    assert "manage.py migrate" in answer.json()["checks"][0]["advice"]


def test_strangers_are_told_nothing_but_whether_it_is_ready() -> None:
    strangers = [Client(), Client(headers={"Authorization": "Bearer tandem_" + "x" * 43}), checked("nobody")]
    strangers.append(with_scopes(Role.ADMIN, Scope.RUN))
    for stranger in strangers:
        assert stranger.get("/readyz").json() == {"status": "ready"}


def test_no_secret_is_told() -> None:
    said = checked("viewer").get("/readyz").content.decode()
    assert django_settings.SECRET_KEY not in said
    assert "://" not in said


def test_frequent_requests_get_the_last_answer() -> None:
    now, asked = [0.0], []

    def ask() -> tuple[dict[str, Any], HTTPStatus]:
        asked.append(now[0])
        return {"number": len(asked)}, HTTPStatus.OK

    kept = CachedAnswer(ask, lambda: now[0])
    assert [kept()[0]["number"], kept()[0]["number"]] == [1, 1]
    now[0] = KEEP_SECONDS
    assert kept()[0]["number"] == 2
