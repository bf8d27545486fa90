"""Reads the fields of one task in the definition of a workflow. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from scheduling.errors import Problem

_DURATION: Final = TypeAdapter(timedelta)


class _Unreadable(Exception):
    """The value has the wrong type for its field. The message says what to write."""


def read_task_fields(given: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[Problem]]:
    """The fields of a task as `scheduling.models.Task` has them, and the problems of values with a wrong type.

    Null counts as not given. It does not check ranges, or the parameters against the job.
    """
    fields: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, read in _FIELDS.items():
        if given.get(name) is None and name != "job":
            continue
        try:
            fields[name] = read(given.get(name))
        except _Unreadable as exc:
            problems.append(Problem(f"{where}.{name}", "invalid", str(exc)))
    return fields, problems


def _text(most: int, value: object) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise _Unreadable(f"Write a text of at most {most:,} characters.")
    return value


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _Unreadable("Write a JSON object.")
    return dict(value)


def _whole_number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Unreadable("Write a whole number.")
    return value


def _retries(value: object) -> object:
    """A number of retries, or a retry policy. The policy is checked later, with the task."""
    return {"max": value} if isinstance(value, int) and not isinstance(value, bool) else value


def _seconds(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        span = _DURATION.validate_python(value).total_seconds()
    except ValidationError:
        span = 0.5
    if span % 1 or not str(value).startswith("P"):
        raise _Unreadable("Write whole seconds (300) or an ISO 8601 duration (PT5M).")
    return int(span)


_FIELDS: Final[dict[str, Callable[[object], Any]]] = {
    "job": partial(_text, 100),
    "parameters": _object,
    "name": partial(_text, 200),
    "description": partial(_text, 10_000),
    "priority": _whole_number,
    "queue": partial(_text, 64),
    "retries": _retries,
    "soft_timeout": _seconds,
    "timeout": _seconds,
    "on_lost": partial(_text, 5),
    "executor": partial(_text, 50),
    "host": partial(_text, 253),
}
EXECUTION: Final = tuple(_FIELDS)
