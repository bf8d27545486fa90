"""Placeholders in parameters, which stand for the results of other members."""

from __future__ import annotations

from typing import Any

import pytest

from scheduling.storable import Json
from scheduling.workflows.placeholders import NoSuchPart, filled, placeholders_in

HANDED: dict[str, Json] = {"$result": {"items": [10, {"name": "x"}], "a": None}, "$error": {"error": "boom"}}

FILLED: list[tuple[Json, Json]] = [
    ({"$result": True}, HANDED["$result"]),
    ({"$result": "items.1.name"}, "x"),
    ({"$result": "a"}, None),
    ([1, {"deep": [{"$error": "error"}]}], [1, {"deep": ["boom"]}]),
    ({"plain": {"$other": True}}, {"plain": {"$other": True}}),
    ("$result", "$result"),
]


@pytest.mark.parametrize(("value", "expected"), FILLED)
def test_places_are_filled_wherever_they_stand(value: Json, expected: Json) -> None:
    assert filled(value, HANDED.__getitem__) == expected


@pytest.mark.parametrize("part", ["b", "items.2", "items.x", "items.0.x", "a.b", "items.1.name.0"])
def test_a_part_that_is_not_there_is_said(part: str) -> None:
    with pytest.raises(NoSuchPart, match="The value that is handed on has no part"):
        filled({"$result": part}, HANDED.__getitem__)


def test_places_are_found_however_deep_they_are() -> None:
    value: Any = {"$result": True}
    for _ in range(5000):
        value = [value]
    [placeholder] = placeholders_in(value)
    assert placeholder.where == (0,) * 5000
