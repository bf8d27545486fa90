"""docs/lifecycle.md: every status, and every reason that `explain/` gives, and no other."""

from __future__ import annotations

import ast
import re

from scheduling.lifecycle import Status
from tests.docs.pages import DOCS, ROOT, section, table

PAGE = (DOCS / "lifecycle.md").read_text(encoding="utf-8")


def test_every_status_is_explained() -> None:
    assert [status for status, *_ in table(PAGE, "| status | what it means | in the row |")] == list(Status)


def test_every_reason_is_listed() -> None:
    calls = ast.walk(ast.parse((ROOT / "scheduling/explain.py").read_text(encoding="utf-8")))
    codes = {
        call.args[0].value
        for call in calls
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Reason"
        if isinstance(call.args[0], ast.Constant)
    }
    listed = table(section(PAGE, "Why has it not run?"), "| code | of | |")
    assert len(codes) > 10
    assert {name for cell, *_ in listed for name in re.findall(r"\w+", cell)} == codes
