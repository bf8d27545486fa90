"""Reading the pages that the tests hold against the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def table(page: str, header: str) -> list[list[str]]:
    """The cells of the table with this header row, without the backticks of those that are code and nothing else."""
    _, found, rest = page.partition(f"{header}\n")
    assert found, f"no table {header}"
    rows = rest.partition("\n\n")[0].strip().splitlines()[1:]
    return [[_plain(cell) for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))] for row in rows]


def section(page: str, title: str) -> str:
    """What stands under `## title`."""
    _, found, rest = page.partition(f"\n## {title}\n")
    assert found, f"no section {title}"
    return rest.partition("\n## ")[0]


def examples(page: str, kind: str) -> list[Any]:
    """The JSON of the blocks that are marked "```json kind"."""
    found = re.findall(rf"^```json {re.escape(kind)}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert found, f"no example {kind}"
    return [json.loads(text) for text in found]


def _plain(cell: str) -> str:
    cell = cell.strip()
    return cell[1:-1] if re.fullmatch("`[^`]+`", cell) else cell
