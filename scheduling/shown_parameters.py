"""What of a task's parameters may be shown to who may not change them? All but the secret fields of their job's schema.

A field is secret where its schema has `writeOnly: true` or `format: password` (JSON Schema, OpenAPI 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from scheduling.errors import NotFound
from scheduling.likely_secrets import MASK
from scheduling.registry import definition
from scheduling.secret_values import MEMBER


def masked(job: str, parameters: Any) -> Any:
    """The parameters with each secret field of the job's schema masked. The name of a secret is none."""
    schema = _schema(job)
    return parameters if schema is None else _masked(parameters, schema, schema)


@lru_cache(maxsize=1_000)
def _schema(job: str) -> Mapping[str, Any] | None:
    """The schema of a job that has a secret field; None for another one, and where there is no such job any more."""
    try:
        schema = definition(job).schema()
    except NotFound:
        return None
    return schema if "writeOnly" in str(schema) or "password" in str(schema) else None


def _masked(value: Any, schema: Any, whole: Mapping[str, Any]) -> Any:
    """The value as it may be shown. Each way of a choice (`anyOf`) masks what it calls secret."""
    if not isinstance(schema, Mapping):
        return value
    if schema.get("writeOnly") is True or schema.get("format") == "password":
        return value if value is None or _is_name(value) else MASK
    for way in (_referred(schema, whole), *schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        value = _masked(value, way, whole)
    if isinstance(value, list):
        return [_masked(inner, schema.get("items"), whole) for inner in value]
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        return {name: _masked(inner, known.get(name, others), whole) for name, inner in value.items()}
    return value


def _referred(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Any:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    return whole.get("$defs", {}).get(name)


def _is_name(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {MEMBER}
