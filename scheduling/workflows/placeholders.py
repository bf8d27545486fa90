"""Places in the parameters of a workflow's member that wait for what another member comes to. Pure.

A place is an object with one member: `{"$result": true}` stands for the whole result that is handed on,
`{"$result": "body.items.0"}` for a part of it: names and, in lists, numbers, with dots between them. `$error` likewise
stands for what went wrong, in what runs on failure.
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
    """What is handed on has no such part."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the parameters it stands, what it waits for (`$result`, `$error`), and which part of that."""

    where: JsonPath
    name: str
    part: object


def places(value: object) -> Iterator[Place]:
    """Every place in a JSON value however deep, also those that are written wrongly."""
    waiting: list[tuple[JsonPath, object]] = [((), value)]
    while waiting:
        where, here = waiting.pop()
        if isinstance(here, Mapping):
            name = _waits_for(here)
            if name:
                yield Place(where, name, here[name])
            else:
                waiting += [((*where, name), inner) for name, inner in here.items()]
        elif isinstance(here, list):
            waiting += [((*where, index), inner) for index, inner in enumerate(here)]


def problem_with_place(parameters: object, place: Place) -> str:
    """What is wrong with how the place is written; empty where nothing is."""
    value: Any = parameters
    for step in place.where:
        value = value[step]
    if len(value) > 1:
        return f"An object with {place.name} has no other member."
    if place.part is True:
        return ""
    if not isinstance(place.part, str) or not all(place.part.split(".")):
        return f'Write {{"{place.name}": true}} for all of it, {{"{place.name}": "items.0"}} for a part.'
    return ""


def filled(value: Json, handed_on: Callable[[str], Json]) -> Json:
    """The value with each place filled; `handed_on` gives the whole by its name. Raises NoSuchPart."""
    if isinstance(value, list):
        return [filled(inner, handed_on) for inner in value]
    if not isinstance(value, Mapping):
        return value
    if name := _waits_for(value):
        return part_of(handed_on(name), value[name])
    return {name: filled(inner, handed_on) for name, inner in value.items()}


def part_of(whole: Json, part: object) -> Json:
    """The part of a value that a path names; `True` is all of it. Raises NoSuchPart."""
    found = whole
    for step in () if part is True else str(part).split("."):
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]  # type: ignore[index]  # what cannot be asked for raises
        except (LookupError, TypeError, ValueError) as exc:
            raise NoSuchPart(f"What is handed on has no part {part!r}: there is no {step!r}.") from exc
    return found


def _waits_for(value: Mapping[str, object]) -> str:
    return next((name for name in NAMES if name in value), "")
