"""docs/faults.md: the bounds that it names are those of the code."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import import_module

from tests.docs.pages import DOCS, section, table

PAGE = (DOCS / "faults.md").read_text(encoding="utf-8")
MODULES = {
    "clock": "scheduling.clock",
    "hosts": "scheduling.hosts",
    "ledger": "scheduling.ledger",
    "lost_attempts": "scheduling.upkeep.lost_attempts",
    "lost_messages": "scheduling.upkeep.lost_messages",
}


def test_the_bounds_are_those_of_the_code() -> None:
    rows = table(section(PAGE, "Bounds"), "| what | seconds | where |")
    named = [(seconds, where.split(".")) for _, seconds, where in rows if "." in where and "/" not in where]
    assert len(named) > 5
    for seconds, (module, name) in named:
        value = getattr(import_module(MODULES[module]), name)
        value = value.total_seconds() if isinstance(value, timedelta) else value
        found = re.match(r"\d+", seconds)
        assert found
        assert int(found[0]) == value, name
