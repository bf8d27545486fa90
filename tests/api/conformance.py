"""A client that checks every answer against the OpenAPI schema."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker
from rest_framework.test import APIClient

formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def is_an_instant(value: object) -> bool:
    """RFC 3339 with an offset."""
    return not isinstance(value, str) or datetime.fromisoformat(value).utcoffset() is not None


class CheckedClient(APIClient):
    """Fails, with the difference, if an answer does not match the schema or an error is not a problem document."""

    def request(self, **kwargs: Any) -> Any:
        response = super().request(**kwargs)
        path = kwargs["PATH_INFO"]
        if not path.startswith("/api/") or path in {"/api/", "/api/schema/", "/api/docs/"}:
            return response
        method = kwargs["REQUEST_METHOD"].lower()
        if response.status_code >= 400:
            check_problem(method, path, response)
        else:
            check_success(method, path, response)
        return response


def check_problem(method: str, path: str, response: Any) -> None:
    """It is a problem document, and the operation says that it may answer it. A fault of ours, 500, is not foreseen."""
    assert response.headers["Content-Type"] == "application/problem+json"
    is_problem(response.json())
    assert response.json()["status"] == response.status_code
    operation = openapi()["paths"].get(only_template_of(path), {}).get(method)
    if operation is not None and response.status_code != 500:
        documented(operation, response)


def is_problem(body: object) -> None:
    """Raises AssertionError where it is no problem document."""
    components = openapi()["components"]
    check(body, components["schemas"]["Problem"] | {"components": components})


def check_success(method: str, path: str, response: Any) -> None:
    """The status is documented, and the body fits its schema."""
    content = documented(openapi()["paths"][template_of(path)][method], response).get("content")
    if content is None:
        assert response.content == b""
        return
    assert response.headers["Content-Type"] == "application/json"
    check(response.json(), content["application/json"]["schema"] | {"components": openapi()["components"]})


# What any answer may have: Django, its middleware and `api.request_id` say how it is to be taken.
EVERYWHERE = {"Allow", "Cache-Control", "Content-Length", "Content-Type", "Cross-Origin-Opener-Policy", "Vary"} | {
    "Content-Security-Policy", "Permissions-Policy", "Referrer-Policy", "X-Content-Type-Options", "X-Frame-Options",
    "X-Request-ID", "Expires", "Pragma",
}  # fmt: skip


def documented(operation: dict[str, Any], response: Any) -> dict[str, Any]:
    """What the document says of this answer: it knows its status and its headers."""
    status, known = str(response.status_code), operation["responses"]
    assert status in known, f"{operation['operationId']} answers {status}"
    about = known[status]
    if "$ref" in about:
        about = openapi()["components"]["responses"][about["$ref"].rpartition("/")[2]]
    unknown = set(response.headers) - EVERYWHERE - set(about.get("headers", {}))
    assert not unknown, f"{operation['operationId']} {status} has the headers {unknown}"
    found: dict[str, Any] = about
    return found


def check(value: object, schema: dict[str, Any]) -> None:
    """Raises AssertionError with every place where the value does not fit."""
    errors = [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(schema, format_checker=formats).iter_errors(value)
    ]
    assert not errors, "\n".join(errors)


def template_of(path: str) -> str:
    """The schema's path that `path` is an example of."""
    found = only_template_of(path)
    assert found, f"{path} is not in the schema"
    return found


def only_template_of(path: str) -> str:
    """The same; empty for an address that the schema does not know."""
    if path in openapi()["paths"]:
        return path
    found: list[str] = [
        template for template in openapi()["paths"] if re.fullmatch(re.sub("{[^}]+}", "[^/]+", template), path)
    ]
    assert len(found) < 2, f"{path} may be one of {found}"
    return found[0] if found else ""


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """The schema as it is served."""
    response = Client().get("/api/schema/", {"format": "json"})
    assert response.status_code == 200
    schema: dict[str, Any] = response.json()
    return schema


def operations() -> set[tuple[str, str]]:
    """Every (METHOD, path template) of the schema."""
    return {(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods}
