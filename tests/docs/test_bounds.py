"""docs/bounds.md is what the source says, and every number there has its reason."""

from __future__ import annotations

import ast

from tests.docs.bounds import COMMAND, NO_BOUND, PAGE, ROOMS, ROOT, Bound, bounds, bounds_in, page

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


def test_what_is_left_out_exists() -> None:
    names = {
        node.id
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert names >= NO_BOUND
