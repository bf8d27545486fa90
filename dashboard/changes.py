"""What an entry of the audit log changed, as people read it: a line for each value that differs. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.dateparse import parse_duration

from dashboard.readable import duration
from scheduling.secret_values import MEMBER

# Characters of a value: the API has all of it.
LONGEST: Final = 200
# Lines of one entry, as above.
MOST: Final = 40
# Deeper inside of a value, it is shown as JSON.
_DEEPEST: Final = 3
_SPANS: Final = {"catch_up_window", "grace"}


@dataclass(frozen=True, slots=True)
class Line:
    """One value: what was before and what is after; None where there was none, or is none."""

    name: str
    before: str | None
    after: str | None


def lines(changes: Mapping[str, Sequence[Any]]) -> list[Line]:
    """The values that differ, of the stored differences. A member of an object is a value of its own."""
    found = [line for name, (before, after) in changes.items() for line in _lines(name, before, after, 0)]
    return found[:MOST]


def _lines(name: str, before: Any, after: Any, depth: int) -> Iterator[Line]:
    both = [one for one in (before, after) if one is not None]
    if depth < _DEEPEST and both and all(isinstance(one, dict) and MEMBER not in one for one in both):
        for member in sorted({*(before or {}), *(after or {})}):
            pair = ((before or {}).get(member), (after or {}).get(member))
            if pair[0] != pair[1]:
                yield from _lines(f"{name}.{member}", *pair, depth + 1)
    elif (line := Line(_worded(name), _text(name, before), _text(name, after))).before != line.after:
        yield line


def _worded(name: str) -> str:
    """A name of the API as words; the members of parameters are the job's own names."""
    first, dot, rest = name.partition(".")
    return f"{first.replace('_', ' ')}{dot}{rest}"


def _text(name: str, value: Any) -> str | None:
    # Nothing, and an empty text or list, are the same to a reader.
    if value in (None, "", [], {}):
        return None
    if isinstance(value, dict) and set(value) == {MEMBER}:
        return f"the secret {value[MEMBER]}"
    if isinstance(value, str):
        return _shortened(_of_text(name, value))
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return _shortened(", ".join(value))
    return _shortened({True: "yes", False: "no"}[value] if isinstance(value, bool) else json.dumps(value))


def _of_text(name: str, value: str) -> str:
    if name in _SPANS and (span := parse_duration(value)) is not None:
        return duration(span)
    if name.endswith("_at") or name in {"from", "to"}:
        try:
            return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S} UTC"
        except ValueError:
            return value  # it was stored in another form: shown as it is
    return value


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
