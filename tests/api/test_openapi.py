"""The schema describes every route, and its page loads nothing from other servers."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import URLPattern
from rest_framework.schemas.generators import EndpointEnumerator

from tests.api.conformance import openapi, operations

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
