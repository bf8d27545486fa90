"""No view, page or filter takes rows that belong to somebody past the door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from scheduling import owners

ROOT = Path(__file__).parents[2]
# What has an owner, or is about what has one. `scheduling.queries` has those that may be seen.
OWNED = {model.__name__ for model in owners._OWNER_OF} | {"TaskAttempt", "TaskLogLine", "WorkflowNode"}


def taken_directly(source: str) -> Iterator[str]:
    """Each `Model.objects` of a model that has an owner."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager", "_base_manager"}:
            name = ast.unparse(node.value).rpartition(".")[2]
            if name in OWNED:
                yield f"line {node.lineno}: {ast.unparse(node)}"


def test_rows_come_through_the_door() -> None:
    found = {
        f"{path.relative_to(ROOT)} {where}"
        for folder in ("api", "dashboard")
        for path in (ROOT / folder).rglob("*.py")
        for where in taken_directly(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_such_rows_would_be_found() -> None:
    assert list(taken_directly("rows = models.Task.objects.all()")) == ["line 1: models.Task.objects"]
