"""Every error under /api/ is a problem document (RFC 9457)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.exception import convert_exception_to_response
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from api.errors import MEDIA_TYPE, pointer, problem_response, server_error
from scheduling.errors import (
    BackendError,
    Conflict,
    InvalidRequest,
    InvalidTrigger,
    Misconfigured,
    NotFound,
    Problem,
    StaleVersion,
    TandemError,
    escaped,
)
from tests.api.conformance import CheckedClient, is_problem
from tests.conftest import client_as


@pytest.mark.parametrize(
    "path", ["/api/nothing/", "/api/schedules/x/", "/api/schedules/1/fly/", "/api/%00/", "/api/%ff/"]
)
def test_an_unknown_address_under_api_is_a_problem(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == MEDIA_TYPE
    is_problem(response.json())
    assert response.json()["code"] == "not_found"


def test_an_unknown_address_elsewhere_is_a_page(client: Client) -> None:
    response = client.get("/nothing/")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_method_that_is_not_there_is_refused_and_the_others_are_told(admin: CheckedClient, method: str) -> None:
    response = getattr(admin, method)("/api/schedules/", {}, format="json")
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert {"GET", "POST"} <= {name.strip() for name in response.headers["Allow"].split(",")}


@pytest.mark.parametrize("wanted", ["text/plain", "application/xml", "image/png"])
def test_an_unsupported_media_type_is_not_acceptable(admin: CheckedClient, wanted: str) -> None:
    response = admin.get("/api/schedules/", HTTP_ACCEPT=wanted)
    assert response.status_code == 406
    assert response.json()["code"] == "not_acceptable"


@pytest.mark.parametrize("wanted", ["*/*", "application/json", "text/html, application/json;q=0.1", "application/*"])
def test_json_is_sent_to_clients_that_accept_it(admin: CheckedClient, wanted: str) -> None:
    assert admin.get("/api/schedules/", HTTP_ACCEPT=wanted).status_code == 200


def test_an_internal_error_is_reported_without_detail() -> None:
    response = server_error(RequestFactory().get("/api/schedules/"))
    assert response.status_code == 500
    assert response.headers["Content-Type"] == MEDIA_TYPE
    body = json.loads(response.getvalue())
    is_problem(body)
    assert body["code"] == "internal"
    assert server_error(RequestFactory().get("/")).headers["Content-Type"].startswith("text/html")


def test_a_view_that_raises_answers_500_in_the_same_form(db: None, crontab: Path, settings: Settings) -> None:
    client = client_as("admin")
    client.raise_request_exception = False
    settings.TANDEM_CRONTAB = "nonsense"
    response = client.get("/api/backends/crontab/drift/")
    assert response.status_code == 500
    assert response.headers["Content-Type"] == MEDIA_TYPE
    is_problem(response.json())
    assert "nonsense" not in response.content.decode()


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (NotFound("x"), 404, "not_found"), (Conflict("x"), 409, "conflict"), (StaleVersion(), 412, "stale_version"),
        (InvalidRequest([Problem("a", "b", "c")]), 400, "invalid"), (BackendError("x"), 503, "backend_error"),
        (InvalidTrigger("x", field="minute"), 400, "invalid_trigger"),
    ],
)  # fmt: skip
def test_each_kind_of_error_has_its_status(raised: TandemError, status: int, code: str) -> None:
    response = problem_response(raised, {})
    assert response is not None
    assert (response.status_code, response.data["code"]) == (status, code)
    is_problem(response.data)


def test_settings_that_do_not_fit_are_told_to_the_log_only(caplog: pytest.LogCaptureFixture) -> None:
    response = problem_response(Misconfigured("the password is x"), {})
    assert response is not None
    assert (response.status_code, response.data["code"]) == (500, "misconfigured")
    is_problem(response.data)
    assert "password" not in response.data["detail"]
    assert "the password is x" in caplog.text


AWAY = OperationalError("connection to postgresql://u:hunter2@db failed")


def test_a_view_whose_database_is_away_answers_503_and_when_to_try_again(caplog: pytest.LogCaptureFixture) -> None:
    response = problem_response(AWAY, {})
    assert response is not None
    is_problem(response.data)
    check_away(response, response.data, caplog)


@pytest.mark.parametrize("path", ["/api/tasks/", "/admin/"])
def test_what_is_not_a_view_answers_so_too(path: str, caplog: pytest.LogCaptureFixture, db: None) -> None:
    def raising(_: HttpRequest) -> HttpResponse:
        raise AWAY

    # As Django wraps each middleware.
    response = convert_exception_to_response(raising)(RequestFactory().get(path))
    assert isinstance(response, HttpResponse)
    is_rest = path.startswith("/api/")
    check_away(response, json.loads(response.content) if is_rest else None, caplog)
    assert response.headers["Content-Type"] == (MEDIA_TYPE if is_rest else "text/plain; charset=utf-8")


def check_away(response: HttpResponse, body: Any, caplog: pytest.LogCaptureFixture) -> None:
    """503, when to try again, and one line in the log without a traceback and without the driver's text."""
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert body is None or body["code"] == "database_unavailable"
    # `is_problem` may ask for the document first, and that request is logged too.
    said = [(one.levelname, one.getMessage(), one.exc_info) for one in caplog.records if one.name == "api.errors"]
    assert said == [("WARNING", "the database is not available: OperationalError", None)]


@pytest.mark.parametrize("raised", [ProgrammingError("no such column"), IntegrityError("twice"), DataError("too long")])
def test_a_wrong_statement_is_a_fault(raised: Exception) -> None:
    assert problem_response(raised, {}) is None


@pytest.mark.parametrize("raised", [TandemError("x"), ZeroDivisionError()])
def test_internal_errors_become_a_500(raised: Exception) -> None:
    assert problem_response(raised, {}) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["cron"], "/cron"), (["parameters", "url"], "/parameters/url"), (["a/b~"], "/a~1b~0"), (["a.b"], "/a.b"),
        (["a\\1b", "c"], "/a\\1b/c"), (["parameters", 3, ""], "/parameters/3/"), ([], ""), (["~1"], "/~01"),
    ],
)  # fmt: skip
def test_the_pointer_of_a_field_is_as_rfc_6901_has_it(names: list[object], expected: str) -> None:
    assert pointer(".".join(map(escaped, names))) == expected


def test_the_root_needs_a_role_that_may_read(db: None) -> None:
    assert client_as("viewer").get("/api/").status_code == 200
    assert Client().get("/api/").status_code == 401


def test_a_refusal_is_in_the_language_asked_for(operator: CheckedClient, crontab: Path) -> None:
    body = {"name": "x", "job": "demo.add", "cron": "0 25 * * *", "timezone": "UTC"}
    english = operator.post("/api/schedules/", body, format="json")
    german = operator.post("/api/schedules/", body, format="json", headers={"Accept-Language": "sw, de-AT;q=0.5"})
    assert (english.headers["Content-Language"], german.headers["Content-Language"]) == ("en", "de")
    assert "Accept-Language" in german.headers["Vary"]
    said = {error["pointer"]: error["detail"] for error in german.json()["errors"]}
    assert said["/cron"] == "Feld hour, „25“: erlaubt ist 0 bis 23"
    assert german.json()["detail"] == "; ".join(error["detail"] for error in german.json()["errors"])
    for member in ("pointer", "code"):
        assert [one[member] for one in english.json()["errors"]] == [one[member] for one in german.json()["errors"]]


def test_a_language_that_there_is_not_falls_back_visibly(operator: CheckedClient) -> None:
    response = operator.get("/api/schedules/77/", headers={"Accept-Language": "sw"})
    assert (response.status_code, response.headers["Content-Language"]) == (404, "en")
    assert operator.get("/api/schedules/77/?language=de").json()["detail"] == "Es gibt keinen Zeitplan 77."
    assert operator.get("/api/schedules/77/?language=fr").headers["Content-Language"] == "fr"
    unknown = operator.get("/api/schedules/77/?language=sw", headers={"Accept-Language": "de"})
    assert (unknown.status_code, unknown.headers["Content-Language"]) == (404, "de")


def test_a_text_of_django_stays_english_and_says_so(operator: CheckedClient) -> None:
    response = operator.put("/api/schedules/", {}, format="json", headers={"Accept-Language": "de"})
    assert (response.status_code, response.headers["Content-Language"]) == (405, "en")
