"""The English templates of all refusals: the first arguments of the calls of `phrase` in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

ROOT = Path(__file__).parents[3]
_PARTS = ("api", "backends", "jobs", "scheduling")


@cache
def templates() -> tuple[str, ...]:
    """Sorted; without those that have no words to translate (`{field}: {problem}`)."""
    return tuple(sorted({text for text in _all() if any(part.strip(" :;,.") for part, *_ in Formatter().parse(text))}))


def placeholders(template: str) -> set[str]:
    """The names of the values that a template, or its translation, shows."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _all() -> Iterator[str]:
    for part in _PARTS:
        for path in sorted((ROOT / part).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if "import phrase\n" in text or "import Phrase, phrase\n" in text:
                for node in ast.walk(ast.parse(text)):
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "phrase":
                        template = ast.literal_eval(node.args[0])
                        assert isinstance(template, str), f"{path}, line {node.lineno}"
                        yield template
