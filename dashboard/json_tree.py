"""A JSON value as a tree that folds: <details> for each object and list, so that it works without any script."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Members and items that are shown: the page stays below 100 kB.
MOST: Final = 400
# Characters of a text.
LONGEST: Final = 2_000
# How deep it is unfolded at first, and how deep it goes at all.
_OPEN: Final = 2
# Deeper, nobody reads it on a page, and Python would recurse too far.
_DEEPEST: Final = 40


@dataclass(slots=True)
class _Budget:
    """How many members may still be shown."""

    count: int = MOST


def json_tree(value: Any) -> SafeString:
    """The value as HTML. Whatever is left out is said where it would be."""
    return _shown(value, 0, _Budget())


def _shown(value: Any, depth: int, budget: _Budget) -> SafeString:
    if isinstance(value, dict) and value:
        return _folding(f"{{{len(value)}}}", value.items(), depth, budget)
    if isinstance(value, list) and value:
        return _folding(f"[{len(value)}]", enumerate(value), depth, budget)
    return _leaf(value)


def _folding(size: str, members: Iterable[tuple[Any, Any]], depth: int, budget: _Budget) -> SafeString:
    if depth >= _DEEPEST:
        return format_html('<span class="soft">{} deeper than is shown</span>', size)
    rows, over = [], 0
    for name, inner in members:
        if budget.count <= 0:
            over += 1
            continue
        budget.count -= 1
        rows.append((name, _shown(inner, depth + 1, budget)))
    shown = format_html_join("", '<li><span class="member">{}</span> {}</li>', rows)
    more = format_html('<li class="soft">{} more</li>', over) if over else ""
    begins = SafeString(" open") if depth < _OPEN else ""
    return format_html(
        '<details{}><summary class="soft">{}</summary><ul>{}{}</ul></details>', begins, size, shown, more
    )


def _leaf(value: Any) -> SafeString:
    if not isinstance(value, str):
        return format_html('<span class="value">{}</span>', json.dumps(value))
    cut = value[:LONGEST]
    if len(value) > LONGEST:
        cut += f"\N{HORIZONTAL ELLIPSIS} ({len(value):,} characters)"
    return format_html('<span class="text">{}</span>', cut)
