"""The grammar of one field of a cron expression: text in, the values it allows out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from scheduling.timing.grammar import ITEM, WEEKDAY, FieldKind, number
from scheduling.timing.refusals import empty_item, refused_item


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an expression.

    `name` is minute, hour, day-of-month, month or day-of-week. `text` is as written, with names in lower case. `values`
    are sorted and distinct (weekdays 0-6, Sunday is 0). `starred` is whether the text begins with `*`. This decides the
    day rule and the behaviour at clock changes; the values do not (crontab(5)).
    """

    name: str
    text: str
    values: tuple[int, ...]
    starred: bool


@lru_cache(maxsize=1024)
def parse_field(kind: FieldKind, text: str) -> Field:
    """Read `text` as a field of this kind: a list of `*`, `*/n`, `a`, `a-b`, `a-b/n`, names as three letters.

    Raises InvalidTrigger, which names the field, the wrong item and, if possible, what to write instead.
    """
    items = text.split(",")
    values: set[int] = set()
    for item in filter(None, items):
        allowed = _item_values(kind, item)
        if allowed is None:
            raise refused_item(kind, item)
        values.update(allowed)
    if "" in items:
        raise empty_item(kind, text)
    if kind is WEEKDAY:
        values = {value % 7 for value in values}
    return Field(kind.name, text.lower(), tuple(sorted(values)), text.startswith("*"))


def _item_values(kind: FieldKind, item: str) -> range | None:
    """The values of one item before 7 becomes Sunday; None for an item that is not in the grammar."""
    # Only ASCII is accepted here: `lower` would change U+212A KELVIN SIGN to a plain "k".
    match = ITEM.fullmatch(item.lower()) if item.isascii() else None
    if match is None:
        return None
    every, first, last, step = match.group("every", "first", "last", "step")
    stride = number(every or step or "1")
    if not stride:
        return None
    if first is None:
        return range(kind.low, kind.high + 1, stride)
    start = kind.number(first)
    end = start if last is None else kind.number(last)
    if start is None or end is None or not kind.low <= start <= end <= kind.high:
        return None
    return range(start, end + 1, stride)
