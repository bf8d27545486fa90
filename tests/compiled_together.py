"""A pytest plugin: where several processes share the tests, each loads its part of the files first.

In a fresh checkout most of the collection is the rewriting of assertions, which pytest does once for each file and
keeps. All processes collect the files in the same order: each would rewrite every file at the same time as the others.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

Item = TypeVar("Item")
_ROOT: Final = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Load this process's part of the files that are to be collected."""
    told: dict[str, Any] = getattr(session.config, "workerinput", {})
    if told.get("workercount", 1) > 1:
        files = sorted(Path(__file__).parent.rglob("test_*.py"))
        for file in part(files, int(told["workerid"].removeprefix("gw")), told["workercount"]):
            # The collection loads it again, and reports what is wrong with it.
            with suppress(Exception, pytest.skip.Exception):
                importlib.import_module(".".join(file.relative_to(_ROOT).with_suffix("").parts))


def part(items: Sequence[Item], number: int, count: int) -> Sequence[Item]:
    """The part with this number, from 0, of `count` equal parts."""
    return items[number * len(items) // count : (number + 1) * len(items) // count]
