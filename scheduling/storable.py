"""Which values the databases can store: JSON that SQLite and PostgreSQL both return unchanged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TypeAlias

from scheduling.phrases import phrase

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

# PostgreSQL's text and jsonb cannot hold NUL. UTF-8 cannot hold a lone surrogate.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """The text, with each character that cannot be stored replaced by an escape."""
    return _UNSTORABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def problem_with_text(text: str) -> str:
    """Why `text` cannot be stored; empty when it can."""
    found = _UNSTORABLE.search(text)
    if found is None:
        return ""
    return phrase("holds the character U+{code:04X}, which cannot be stored", code=ord(found.group()))


def problem_with(value: object, *, most_bytes: int) -> str:
    """Why `value` cannot be stored as JSON of at most `most_bytes`; empty when it can."""
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except (TypeError, ValueError, RecursionError) as exc:
        return phrase("is not JSON: {reason}", reason=str(exc))
    if size > most_bytes:
        return phrase("is {size:,} bytes of JSON, more than the {most:,} allowed", size=size, most=most_bytes)
    return next((problem for text in _texts(value) if (problem := problem_with_text(text))), "")


def _texts(value: object) -> Iterator[str]:
    """Every string in a JSON value, keys included."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case list() | tuple() as items:
                waiting.extend(items)
            case dict() as members:
                waiting.extend(members.keys())
                waiting.extend(members.values())
