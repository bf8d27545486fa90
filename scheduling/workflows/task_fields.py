"""Reads the fields of one task in the definition of a workflow. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from scheduling import durations


def _policy(given: object) -> object:
    """How many, or the whole policy; what is in it is checked with the task."""
    return {"max": given} if isinstance(given, int) and not isinstance(given, bool) else given


_Seconds = Annotated[int, BeforeValidator(durations.seconds)]


class _TaskFields(BaseModel):
    """The names and types of `scheduling.models.Task`. What is null counts as not given."""

    model_config = ConfigDict(strict=True)

    job: Annotated[str, Field(max_length=100)]
    parameters: dict[str, Any] | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    description: Annotated[str, Field(max_length=10_000)] | None = None
    priority: int | None = None
    queue: Annotated[str, Field(max_length=64)] | None = None
    limit_key: Annotated[str, Field(max_length=64)] | None = None
    retries: Annotated[Any, BeforeValidator(_policy)] = None
    soft_timeout: _Seconds | None = None
    timeout: _Seconds | None = None
    on_lost: Annotated[str, Field(max_length=5)] | None = None
    executor: Annotated[str, Field(max_length=50)] | None = None
    host: Annotated[str, Field(max_length=253)] | None = None


TASK_FIELDS: Final = tuple(_TaskFields.model_fields)

# pydantic's words are about Python, and do not say what to write.
_WHAT_TO_WRITE: Final = {
    "string_type": "Write a text.",
    "string_too_long": "Write a text of at most {max_length:,} characters.",
    "int_type": "Write a whole number.",
    "dict_type": "Write a JSON object.",
    "value_error": "{error}",
}


def read_task_fields(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields of a task as `scheduling.models.Task` has them, and by name what is wrong with the others.

    Ranges, and what the job says, are not looked at.
    """
    try:
        task = _TaskFields.model_validate(given)
    except ValidationError as exc:
        faults = {str(error["loc"][0]): _what_to_write(error) for error in exc.errors(include_url=False)}
        if "job" in faults:
            return {}, faults
        # Without the faulty ones it can be read.
        return read_task_fields({name: given[name] for name in given if name not in faults})[0], faults
    return {name: value for name, value in task if value is not None}, {}


def _what_to_write(error: Any) -> str:
    words = _WHAT_TO_WRITE.get(error["type"])
    return words.format(**error.get("ctx", {})) if words else str(error["msg"])
