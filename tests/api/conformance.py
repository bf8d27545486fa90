"""A client that checks every answer against the OpenAPI schema."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker
from rest_framework.test import APIClient

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "pattern": "^[a-z_]+$"},
        "detail": {"type": "string", "minLength": 1},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "additionalProperties": False,
                "properties": {
                    "pointer": {"type": "string", "pattern": "^(/|$)"},
                    "code": {"type": "string", "pattern": "^[a-z_]+$"},
                    "detail": {"type": "string", "minLength": 1},
                },
            },
        },
    },
}

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
        if response.status_code >= 400:
            assert response.headers["Content-Type"] == "application/problem+json"
            check(response.json(), PROBLEM)
            assert response.json()["status"] == response.status_code
        else:
            check_success(kwargs["REQUEST_METHOD"].lower(), path, response)
        return response


def check_success(method: str, path: str, response: Any) -> None:
    """The status is documented, and the body fits its schema."""
    template = template_of(path)
    documented = openapi()["paths"][template][method]["responses"]
    assert str(response.status_code) in documented, f"{method} {template} answers {response.status_code}"
    content = documented[str(response.status_code)].get("content")
    if content is None:
        assert response.content == b""
        return
    assert response.headers["Content-Type"] == "application/json"
    check(response.json(), content["application/json"]["schema"] | {"components": openapi()["components"]})


def check(value: object, schema: dict[str, Any]) -> None:
    """Raises AssertionError with every place where the value does not fit."""
    errors = [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(schema, format_checker=formats).iter_errors(value)
    ]
    assert not errors, "\n".join(errors)


def template_of(path: str) -> str:
    """The schema's path that `path` is an example of."""
    if path in openapi()["paths"]:
        return path
    found: list[str] = [
        template for template in openapi()["paths"] if re.fullmatch(re.sub("{[^}]+}", "[^/]+", template), path)
    ]
    assert len(found) == 1, f"{path} is {found or 'not'} in the schema"
    return found[0]


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
