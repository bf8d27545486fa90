"""The names and bounds of cron's five fields (crontab(5)), and how messages quote wrong text."""

from __future__ import annotations

import re
from dataclasses import dataclass

LARGEST_STEP = 2**31 - 1
"""cron keeps a step in a C int, where a larger step wraps around. So a larger step is refused here."""

LONGEST_NUMBER = 100
"""Characters at which a number is refused. cron refuses one that fills its buffer (MAX_TEMPSTR; 1,000 in Debian 12)."""

ITEM = re.compile(r"\*(?:/(?P<every>[0-9]+))?|(?P<first>[0-9a-z]+)(?:-(?P<last>[0-9a-z]+)(?:/(?P<step>[0-9]+))?)?")
"""One item of a field in lower case: `*`, `*/n`, `a`, `a-b` or `a-b/n`."""


# Kinds are compared by identity: they are keys of caches, where a comparison by value takes longer.
@dataclass(frozen=True, slots=True, eq=False)
class FieldKind:
    """What one of the five fields may hold: numbers from `low` to `high`, or `names`, in order."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    named_from: int = 0

    @property
    def last(self) -> int:
        """The largest distinct value: 6 for weekdays, because 7 is Sunday like 0."""
        return 6 if self is WEEKDAY else self.high

    def number(self, word: str) -> int | None:
        """The number that `word` (digits, or a name in lower case) means, even if out of range; else None."""
        if word in self.names:
            return self.named_from + self.names.index(word)
        return number(word)

    def allows(self, word: str) -> bool:
        """Whether `word` alone is a valid item of this field."""
        value = self.number(word)
        return value is not None and self.low <= value <= self.high


MINUTE = FieldKind("minute", 0, 59)
HOUR = FieldKind("hour", 0, 23)
DAY = FieldKind("day-of-month", 1, 31)
MONTH = FieldKind(
    "month",
    1,
    12,
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    named_from=1,
)
WEEKDAY = FieldKind("day-of-week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat"))
KINDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


def number(word: str) -> int | None:
    """The value of ASCII digits; None for anything else, for LONGEST_NUMBER digits, and beyond `LARGEST_STEP`."""
    if not (word.isascii() and word.isdigit()) or len(word) >= LONGEST_NUMBER:
        return None
    digits = word.lstrip("0") or "0"
    if len(digits) > 10:
        return None
    value = int(digits)
    return value if value <= LARGEST_STEP else None


def excerpt(text: str) -> str:
    """At most 40 characters of `text` for a message, with everything but printable ASCII escaped."""
    shown = text[:40].encode("unicode_escape").decode("ascii")
    return shown if len(text) <= 40 and len(shown) <= 40 else shown[:37] + "..."
