"""The schema describes every route, and its page loads nothing from other servers."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import URLPattern
from pytest_django import Settings
from rest_framework.schemas.generators import EndpointEnumerator

from scheduling import clock
from tests.api.conformance import CheckedClient, openapi, operations
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor

OPEN = {"/api/schema/", "/api/docs/"}


def test_the_schema_is_openapi_3_1_and_valid_without_a_warning() -> None:
    assert openapi()["openapi"].startswith("3.1")
    out, err = StringIO(), StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out, stderr=err)
    assert err.getvalue() == ""
    assert "openapi: 3.1" in out.getvalue()


def test_every_route_under_api_is_in_the_schema() -> None:
    endpoints = EndpointEnumerator(get_resolver().url_patterns).get_api_endpoints()
    routes = {
        (method, re.sub("{pk}", "{id}", path))
        for path, method, _ in endpoints
        if path.startswith("/api/") and path not in OPEN | {"/api/"}
    }
    assert len(routes) > 20
    assert routes == operations()


def test_every_address_under_api_is_a_view_of_the_framework() -> None:
    """A view outside of the framework would have neither roles nor problem documents."""
    [api] = [one for one in get_resolver().url_patterns if isinstance(one, URLResolver) and str(one.pattern) == "api/"]
    waiting, views = list(api.url_patterns), []
    while waiting:
        match waiting.pop():
            case URLResolver() as resolver:
                waiting.extend(resolver.url_patterns)
            case URLPattern() as pattern:
                views.append(pattern.callback)
    assert len(views) > 20
    assert all(hasattr(view, "cls") for view in views)


def test_every_operation_says_what_it_is_for_and_needs_the_token() -> None:
    for methods in openapi()["paths"].values():
        for operation in methods.values():
            assert operation["description"]
            assert {"token": []} in operation["security"]
            assert {} not in operation["security"]
    assert openapi()["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}


def bodies() -> list[tuple[str, str]]:
    """Each operation that takes a JSON body."""
    return [
        (method, path)
        for path, methods in sorted(openapi()["paths"].items())
        for method, operation in methods.items()
        if "requestBody" in operation
    ]


def test_the_example_of_every_body_is_accepted(
    admin: CheckedClient, crontab: Path, recorded: RecordingExecutor, settings: Settings, subtests: Any
) -> None:
    """On a schedule, a task that waits and one that failed. Each is sent with the values of the document."""
    settings.TANDEM_SECRET_KEYS = [urlsafe_b64encode(bytes(32)).decode()]
    past = clock.now() - timedelta(days=1000)
    known = a_schedule(now=past, key="by-key", catch_up="none")
    a_task(known)
    for method, path in bodies():
        example = openapi()["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]
        address = path.format(id=known.pk, name="beat", key="by-key")
        with subtests.test(f"{method} {path}"):
            body = example | ({"ids": [known.pk]} if "ids" in example else {})
            answer = getattr(admin, method)(f"{address}?dry_run=true", body, format="json")
            assert answer.status_code in {200, 201}, answer.json()


def test_a_problem_is_described_once() -> None:
    document = openapi()
    described = {name: about["content"] for name, about in document["components"]["responses"].items()}
    assert len(described) > 10
    for content in described.values():
        assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for method, path in operations():
        for status, answer in document["paths"][path][method.lower()]["responses"].items():
            assert status < "400" or answer["$ref"].rpartition("/")[2] in described


def test_no_operation_names_a_problem_that_it_cannot_have() -> None:
    by_status: dict[str, set[str]] = {}
    for methods in openapi()["paths"].values():
        for operation in methods.values():
            for status in operation["responses"]:
                by_status.setdefault(status, set()).add(operation["operationId"])
    everything = {operation["operationId"] for methods in openapi()["paths"].values() for operation in methods.values()}
    assert by_status["401"] == by_status["403"] == by_status["429"] == by_status["503"] == everything
    assert {"jobs_list", "jobs_get", "tasks_get", "tokens_delete", "workflows_get"} <= everything - by_status["400"]
    assert by_status["408"] == by_status["413"] == by_status["415"]
    assert len(by_status["415"]) == len(bodies())
    assert all(name.startswith("schedules_") for name in by_status["428"])
    assert "tokens_create" not in by_status["409"] | by_status["422"]
    assert not {"405", "500"} & set(by_status)


def test_the_page_shows_the_schema_without_any_address_outside(client: Client) -> None:
    response = client.get("/api/docs/")
    assert response.status_code == 200
    html = response.content.decode()
    assert "/static/drf_spectacular_sidecar/" in html
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//[^"']*""", html) == []
    assert "cdn" not in html.lower()


def test_what_the_page_loads_is_served_here(client: Client) -> None:
    html = client.get("/api/docs/").content.decode()
    files = set(re.findall(r"/static/[^\"'?\s]+", html))
    assert files
    for file in files:
        response: Any = client.get(file)
        assert response.status_code == 200, file
        assert b"".join(response.streaming_content)
