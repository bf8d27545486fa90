"""Who sees the secret fields of parameters over REST? Who may change them: an operator."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scheduling.likely_secrets import MASK
from scheduling.shown_parameters import masked

# Whether the request of this thread is of somebody who may change parameters. Each request sets it (api.permissions).
sees_secrets: Final[ContextVar[bool]] = ContextVar("tandem_sees_secrets", default=False)


@extend_schema_field({"description": f"Those of the job. A viewer sees `{MASK}` in place of its secret fields."})
class ShownParameters(serializers.Field[Any, Any, Any, Any]):
    """The parameters of a schedule or a task, masked for a viewer. Read-only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(source="*", read_only=True, **options)

    def to_representation(self, value: Any) -> Any:
        """`value` is the row."""
        return value.parameters if sees_secrets.get() else masked(value.job, value.parameters)
