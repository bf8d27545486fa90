"""How does the OpenAPI schema show what drf-spectacular cannot find by itself?"""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

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
# What the usual operations are called: readers of a program that calls them need not know Django REST framework.
_VERBS: Final = {
    "list": "list",
    "create": "create",
    "retrieve": "get",
    "update": "replace",
    "partial_update": "change",
    "destroy": "delete",
}


class TandemSchema(AutoSchema):
    """Adds what `api.writing.write` gives to each handler that it marks."""

    def get_operation_id(self) -> str:
        """`schedules_list`, `schedules_pause`: the names in the address, and what is done if they do not say it."""
        names = [name.replace("-", "_") for name in self.path.strip("/").split("/")[1:] if "{" not in name]
        action = getattr(self.view, "action", None) or ""
        verb = _VERBS.get(action)
        return "_".join([*names, verb] if verb else names)

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """`Schedule` for what is shown, `ScheduleInput` for what is asked."""
        return str(super().get_serializer_name(serializer, direction)).removesuffix("Output")

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


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass has no hints
    """The API token, as a bearer token of HTTP."""

    target_class = "api.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
