"""Which values in stored parameters look like secrets? Pure. It names their places, and never the values."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

# What is shown in place of a secret.
MASK: Final = "***"
# Names of members that hold secrets, as people write them.
_NAMES: Final = re.compile(
    r"authorization|passw(or)?d|passphrase|(^|[_-])pwd$|secret|api[_-]?key|access[_-]?key|private[_-]?key|(^|[_-])token$"
    r"|credential|cookie",
    re.IGNORECASE,
)
_SCHEMES: Final = re.compile(r"^(bearer|basic|token)\s+\S{6,}", re.IGNORECASE)
_IN_URL: Final = re.compile(
    r"://[^\s/@:]*:[^\s/@]+@|[?&](password|token|secret|api_?key|access_token)=[^&\s]+", re.IGNORECASE
)
_RANDOM: Final = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
# A part of a path or of an identifier is a word or a number.
_MIXED: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z]).{16,}")
# Bits for each character. Words and paths have less than 4, hexadecimal digits at most 4, other random text above 4.
_ENTROPY: Final = 3.5


def places(parameters: object) -> Iterator[str]:
    """The dotted path of each value that looks like a secret."""
    waiting: list[tuple[str, Any]] = [("", parameters)]
    while waiting:
        where, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [(f"{where}.{name}" if where else str(name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{where}.{place}", inner) for place, inner in enumerate(value)]
        elif isinstance(value, str) and value and _is_likely(where.rpartition(".")[2], value):
            yield where


def is_name(member: str) -> bool:
    """Whether a member of this name holds a secret. `$secret` holds the name of one."""
    return member != "$secret" and _NAMES.search(member) is not None


def _is_likely(name: str, text: str) -> bool:
    if is_name(name):
        return True
    return bool(_SCHEMES.search(text) or _IN_URL.search(text)) or _is_random(text)


def _is_random(text: str) -> bool:
    """Whether the whole text is one long word, of which a long part mixes letters and digits as only chance does."""
    if not _RANDOM.fullmatch(text) or not any(_MIXED.search(part) for part in re.split("[-/+_=]", text)):
        return False
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts) >= _ENTROPY
