"""How deep and how long JSON may be."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.exceptions import ParseError

from api.parsers import check_size
from tests.api.asking import SCHEDULES, sent
from tests.api.conformance import CheckedClient


def nested(levels: int, *, in_objects: bool) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if in_objects else [value]
    return value


@pytest.mark.parametrize("in_objects", [True, False])
def test_so_many_levels_and_no_more(settings: Settings, *, in_objects: bool) -> None:
    settings.TANDEM_MAX_JSON_DEPTH = 10
    check_size(nested(10, in_objects=in_objects))
    with pytest.raises(ParseError, match="at most 10 levels"):
        check_size(nested(11, in_objects=in_objects))


@pytest.mark.parametrize("make", [lambda count: [1] * count, lambda count: dict.fromkeys(map(str, range(count)))])
def test_so_many_members_and_no_more(settings: Settings, make: Any) -> None:
    settings.TANDEM_MAX_LIST_ITEMS = 100
    check_size({"a": [make(100), make(100)]})
    with pytest.raises(ParseError, match="more than 100 members"):
        check_size({"a": [make(101)]})


@pytest.mark.parametrize("value", [None, 1, "text", [], {}, [[], {}]])
def test_small_values_are_well(value: Any) -> None:
    check_size(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[" * 101 + b"]" * 101, "nested too deeply"),
        (b'{"a":' * 150_000 + b"1" + b"}" * 10, "nested too deeply"),
        (b"[" * 900_000, "nested too deeply"),
        (b'{"parameters": [' + b"1," * 10_000 + b"1]}", "more than 10,000 members"),
    ],
)
def test_hostile_json_is_refused(operator: CheckedClient, text: bytes, said: str) -> None:
    response = sent(operator, "POST", SCHEDULES, text)
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")
    assert said in response.json()["detail"]
