"""Placeholders in the parameters of a task, which are filled with the result or error of another task. Pure.

A placeholder is an object with one member. `{"$result": true}` stands for the whole result that is handed on.
`{"$result": "body.items.0"}` stands for a part of it: names, and numbers for lists, with dots between them. `$error` is
used in the same way in on_failure, and stands for the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from scheduling.storable import Json

RESULT: Final = "$result"
ERROR: Final = "$error"
NAMES: Final = (RESULT, ERROR)

JsonPath: TypeAlias = tuple[str | int, ...]


class NoSuchPart(LookupError):
    """The value that is handed on has no such part."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder: its path in the parameters, its name (`$result` or `$error`), and the part it stands for."""

    where: JsonPath
    name: str
    part: object


def placeholders_in(value: object) -> Iterator[Placeholder]:
    """Every placeholder in a JSON value, at any depth, malformed ones included."""
    waiting: list[tuple[JsonPath, object]] = [((), value)]
    while waiting:
        where, here = waiting.pop()
        if isinstance(here, Mapping):
            name = _placeholder_name(here)
            if name:
                yield Placeholder(where, name, here[name])
            else:
                waiting += [((*where, name), inner) for name, inner in here.items()]
        elif isinstance(here, list):
            waiting += [((*where, index), inner) for index, inner in enumerate(here)]


def problem_with_placeholder(parameters: object, placeholder: Placeholder) -> str:
    """What is wrong with the form of the placeholder; empty when nothing is."""
    value: Any = parameters
    for step in placeholder.where:
        value = value[step]
    if len(value) > 1:
        return f"An object with {placeholder.name} must have no other member."
    if placeholder.part is True:
        return ""
    if not isinstance(placeholder.part, str) or not all(placeholder.part.split(".")):
        return f'Write {{"{placeholder.name}": true}} for all of it, {{"{placeholder.name}": "items.0"}} for a part.'
    return ""


def filled(value: Json, handed_on: Callable[[str], Json]) -> Json:
    """The value with its placeholders filled; `handed_on` returns the result or error by name. Raises NoSuchPart."""
    if isinstance(value, list):
        return [filled(inner, handed_on) for inner in value]
    if not isinstance(value, Mapping):
        return value
    if name := _placeholder_name(value):
        return part_of(handed_on(name), value[name])
    return {name: filled(inner, handed_on) for name, inner in value.items()}


def part_of(whole: Json, part: object) -> Json:
    """The part of `whole` that the path `part` names; `True` names all of it. Raises NoSuchPart."""
    found = whole
    for step in () if part is True else str(part).split("."):
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]  # type: ignore[index]  # raises for other values
        except (LookupError, TypeError, ValueError) as exc:
            raise NoSuchPart(f"The value that is handed on has no part {part!r}: there is no {step!r}.") from exc
    return found


def _placeholder_name(value: Mapping[str, object]) -> str:
    return next((name for name in NAMES if name in value), "")
