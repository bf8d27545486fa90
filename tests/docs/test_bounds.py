"""docs/bounds.md is what the source says, and every number there has its reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.docs.bound_tests import about, names_in
from tests.docs.bounds import COMMAND, NO_BOUND, PAGE, ROOMS, ROOT, Bound, bounds, bounds_in, page

IT = Path("tests", "a", "test_it.py")
SOURCE = """
import logging

# Why so many.
FIRST: Final = 1_000
BEHIND = 2.5  # so long
BELOW = timedelta(minutes=5)
\"\"\"Five minutes,
because.\"\"\"
BARE = 4 * other.HEARTBEAT
NAME: Final = "text"
DEBUG = False
lower = 3
NO_SCHEDULE = 0
SEVERAL = (1, 2)
MIXED = (1, "two")


def inside():
    LOCAL = 1
"""


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(bounds()), f"renew it: {COMMAND}"


def test_each_bound_has_a_reason() -> None:
    without = [f"{bound.module}.{bound.name}" for bound in bounds() if not bound.reason]
    assert not without, "write the reason as a comment above it"


def test_what_bounds_is_found_with_its_reason() -> None:
    assert list(bounds_in(SOURCE, "a.module")) == [
        Bound("a.module", "FIRST", "1_000", "Why so many."),
        Bound("a.module", "BEHIND", "2.5", "so long"),
        Bound("a.module", "BELOW", "timedelta(minutes=5)", "Five minutes, because."),
        Bound("a.module", "BARE", "4 * other.HEARTBEAT", ""),
        Bound("a.module", "SEVERAL", "(1, 2)", ""),
    ]


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("from a.module import (\n    FIRST,\n    other,\n)", f"`{IT}`"),
        ("from a import module\nassert module.FIRST == 1", f"`{IT}`"),
        ("import a\nfrom b import a\nassert a.FIRST == 1", "(`tests/a`)"),
        ("from a import module\nassert module.SECOND == 1", f"(`{IT}`)"),
        ("from a import MORE", "(`tests/a`)"),
    ],
)
def test_the_test_of_a_bound_is_found(text: str, test: str) -> None:
    assert about("a.module", "FIRST", {IT: names_in(text)}) == test


def test_the_file_that_mirrors_the_module_comes_first() -> None:
    mirror = Path("tests", "a", "test_module.py")
    assert about("a.module", "FIRST", {path: {"a.module.FIRST"} for path in (IT, mirror)}) == f"`{mirror}`"


def test_what_is_left_out_exists() -> None:
    names = {
        node.id
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert names >= NO_BOUND
