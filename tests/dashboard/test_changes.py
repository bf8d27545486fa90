"""The difference of an entry of the audit log, in lines."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.changes import LONGEST, MOST, Line, lines


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cron": ["0 9 * * *", "0 10 * * *"]}, [Line("cron", "0 9 * * *", "0 10 * * *")]),
        ({"catch_up_window": ["P1DT00H00M00S", "P0DT01H00M00S"]}, [Line("catch up window", "1 d", "1 h")]),
        ({"starts_at": [None, "2026-11-20T10:00:00+00:00"]}, [Line("starts at", None, "2026-11-20 10:00:00 UTC")]),
        ({"paused": [False, True]}, [Line("paused", "no", "yes")]),
        ({"tags": [["a"], ["a", "b"]]}, [Line("tags", "a", "a, b")]),
        ({"description": [None, ""]}, []),
        ({"parameters": [{"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}]}, [Line("parameters.b.c", "2", "3")]),
        ({"parameters": [{}, {"key": {"$secret": "shop"}}]}, [Line("parameters.key", None, "the secret shop")]),
        ({"name": ["x" * 300, ""]}, [Line("name", "x" * (LONGEST - 1) + "\N{HORIZONTAL ELLIPSIS}", None)]),
        ({"grace": ["no duration", None]}, [Line("grace", "no duration", None)]),
        ({"ends_at": ["no time", None]}, [Line("ends at", "no time", None)]),
    ],
)
def test_each_value_that_differs_is_a_line(changes: dict[str, list[Any]], expected: list[Line]) -> None:
    assert lines(changes) == expected


def test_there_are_never_too_many() -> None:
    assert len(lines({"parameters": [{}, {f"member {number}": number for number in range(500)}]})) == MOST
