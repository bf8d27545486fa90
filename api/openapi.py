"""How does the OpenAPI schema show what drf-spectacular cannot find by itself?"""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from api.rows import FIELDS

_DRY_RUN: Final = OpenApiParameter(
    "dry_run",
    bool,
    description="Only answer what would follow, with the status 200: nothing is stored, installed or handed over.",
)
_IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="A text of the client's own, such as a UUID. For 24 hours the same request with the same key is done "
    "once, and answered again with `Idempotency-Replayed: true`.",
)


class TandemSchema(AutoSchema):
    """Adds what `api.writing.write` gives to each handler that it marks."""

    def get_override_parameters(self) -> list[Any]:
        if not self._is_write:
            return []
        return [_DRY_RUN, _IDEMPOTENCY_KEY] if self.method == "POST" else [_DRY_RUN]

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        done = [code for code in ("201", "202") if code in bodies]
        if self._is_write and done and "200" not in bodies:
            bodies["200"] = {**bodies[done[0]], "description": "With `dry_run=true`: what would be answered."}
        return bodies

    @property
    def _is_write(self) -> bool:
        handler = getattr(self.view, getattr(self.view, "action", "") or "", None)
        return getattr(handler or getattr(self.view, self.method.lower(), None), "is_write", False)


def with_short_rows(result: Any, **_: Any) -> Any:
    """The document, in which the rows of a list that takes `fields` may be short: they have some members, or all."""
    schemas = result["components"]["schemas"]
    for operation in [one for methods in result["paths"].values() for one in methods.values()]:
        if all(one["name"] != FIELDS for one in operation.get("parameters", [])):
            continue
        page = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        rows = schemas[page]["properties"]["results"]
        if "$ref" not in rows["items"]:  # The page of another list with the same rows, which was done already.
            continue
        whole = rows["items"]["$ref"].rpartition("/")[2]
        short = f"{whole}Short"
        schemas[short] = {name: value for name, value in schemas[whole].items() if name != "required"} | {
            "description": f"The members of {whole} that `{FIELDS}` names.",
            "minProperties": 1,
            "additionalProperties": False,
        }
        rows["items"] = {"anyOf": [rows["items"], {"$ref": f"#/components/schemas/{short}"}]}
    return result


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass has no hints
    """The API token, as a bearer token of HTTP."""

    target_class = "api.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
