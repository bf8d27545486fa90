"""`python -m tests.docs.bounds` writes docs/bounds.md: every number in the code that bounds or paces something.

The source is read as text (ast); nothing is imported. The reason of a constant is the comment above it, the comment
behind it, or the string below it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.docs.bound_tests import tests_about

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "bounds.md"
COMMAND: Final = ".venv/bin/python -m tests.docs.bounds"
# Not `stack` and `dev.py`: they run where somebody develops, and nowhere else.
ROOMS: Final = ("scheduling", "api", "dashboard", "backends", "jobs", "settings")
# Numbers that say what something is and not how much of it there may be: units, codes, marks.
NO_BOUND: Final = frozenset(
    {
        "EXIT_CODE", "MINUTES_A_DAY", "_IDENT", "LAST_MINUTE", "NO_SCHEDULE", "YEAR", "_CLOCKS", "_DAY",
        "_EPOCH", "_LENGTHS", "_LONGEST", "_MINUTE", "_MODE", "_PORTS", "_PR_SET_PDEATHSIG",
        "_SECOND", "_SEE_OTHER",
    }
)  # fmt: skip

_HEAD: Final = f"""# Bounds and pauses

Every number in the code that bounds or paces something, with its reason and its test. What an installation may choose
is in [settings.md](settings.md); these are the same everywhere. The value is what stands in the source; "as above" is
the row before. A test in parentheses is about the module, and does not name the number.

This page is written by `{COMMAND}`; a test says when it is out of date.
"""


@dataclass(frozen=True, slots=True)
class Bound:
    """A constant: its module as a dotted name, its value as in the source, and its reason ('' where none is given)."""

    module: str
    name: str
    value: str
    reason: str


def bounds(root: Path = ROOT) -> list[Bound]:
    """All of them, in the order of modules and lines."""
    files = sorted(path for room in ROOMS for path in (root / room).rglob("*.py") if "migrations" not in path.parts)
    return [found for path in files for found in bounds_in(path.read_text(encoding="utf-8"), _module(path, root))]


def bounds_in(source: str, module: str) -> Iterator[Bound]:
    """The constants of one module: upper-case names at module level whose value is made of numbers."""
    lines = source.splitlines()
    body = ast.parse(source).body
    for place, statement in enumerate(body):
        name, value = _constant(statement)
        if value is not None and name not in NO_BOUND and _is_number(value):
            below = body[place + 1] if place + 1 < len(body) else None
            reason = _above(lines, statement.lineno) or _behind(lines[statement.lineno - 1]) or _text(below)
            yield Bound(module, name, " ".join((ast.get_source_segment(source, value) or "").split()), reason)


def page(found: list[Bound]) -> str:
    """The whole page."""
    parts, tests = [_HEAD], tests_about([(bound.module, bound.name) for bound in found], ROOT)
    for module in dict.fromkeys(bound.module for bound in found):
        parts.append(f"## {module}\n\n| | value | reason | test |\n|---|---|---|---|")
        rows = [bound for bound in found if bound.module == module]
        parts += [f"| `{row.name}` | `{row.value}` | {_cell(row.reason)} | {tests[module, row.name]} |" for row in rows]
        parts[-1] += "\n"
    return "\n".join(parts)


def _constant(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    """The name and the value of a statement that makes a constant."""
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if name.isupper():
            return name, value
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.isupper():
            return name, value
    return "", None


def _is_number(value: ast.expr) -> bool:
    """Whether it is made of numbers: one, several, a duration, an instant, or arithmetic with them."""
    match value:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() | float()):
            return True
        case ast.BinOp(left=left, right=right):
            return _is_number(left) or _is_number(right)
        case ast.Tuple(elts=[_, *_] as parts) | ast.Dict(values=[_, *_] as parts):
            return all(map(_is_number, parts))
        case ast.Call(func=ast.Name(id="timedelta" | "datetime")):
            return True
    return False


def _above(lines: list[str], number: int) -> str:
    """The comment that ends right above a line (from 1)."""
    first = number - 1
    while first > 0 and lines[first - 1].startswith("# "):
        first -= 1
    return " ".join(line.removeprefix("# ") for line in lines[first : number - 1])


def _behind(line: str) -> str:
    return line.partition("  # ")[2]


def _text(statement: ast.stmt | None) -> str:
    """What a string that stands by itself says."""
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
    return ""


def _module(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(bounds()), encoding="utf-8")
