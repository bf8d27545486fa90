"""No file and no function is longer than a reader can keep in mind (CONTRIBUTING.md, "Style")."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = (
    "api",
    "backends",
    "benchmarks",
    "dashboard",
    "docker",
    "jobs",
    "scheduling",
    "settings",
    "stack",
    "tests",
)
MOST_LINES_OF_A_FILE: Final = 300
MOST_LINES_OF_A_FUNCTION: Final = 40


def files() -> list[Path]:
    """Every Python file that people write: Django writes the migrations."""
    below = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return [*ROOT.glob("*.py"), *(path for path in below if path.parent.name != "migrations")]


def too_long(name: str, text: str) -> Iterator[str]:
    """What is too long in a file, each with its number of lines."""
    if len(lines := text.splitlines()) > MOST_LINES_OF_A_FILE:
        yield f"{name}: {len(lines)} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > MOST_LINES_OF_A_FUNCTION:
                yield f"{name}: {node.name} has {length} lines"


def test_no_file_and_no_function_is_too_long() -> None:
    found = files()
    assert len(found) > 300
    assert [one for path in found for one in too_long(str(path.relative_to(ROOT)), path.read_text("utf-8"))] == []


def test_what_is_too_long_is_named() -> None:
    short = "def f():\n" + "    pass\n" * 39
    assert list(too_long("f.py", short)) == []
    assert list(too_long("f.py", short + "    pass\n")) == ["f.py: f has 41 lines"]
    assert list(too_long("f.py", "\n" * 301)) == ["f.py: 301 lines"]
