"""Whose is a line of a crontab: ours, another installation's, or somebody else's? Pure: bytes in, answers out.

Each installation has an id, which stands in the two marker lines of its block. Both markers also say how many lines
are between them, and a digest of these lines: so lines that are exactly what was written are known to be ours, also
where one marker is lost. Other lines are told apart one by one.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_MARK: Final = re.compile(
    rb"[ \t]*#[ \t-]*(BEGIN|END) Tandem ([0-9a-f]{8})\b(?:: ([0-9]{1,5}) lines, ([0-9a-f]{8})\b)?.*", re.DOTALL
)
# Enough to tell some installations of one host apart, and to see that lines have changed. A forged collision would
# gain nothing.
_DIGEST_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class Owner:
    """An installation: the id in its markers, and the command of its lines.

    `fields` is the number of words before the command: five, or six in a table with a column for the user.
    """

    id: str
    command: bytes
    fields: int = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker line of any installation. `count` and `digest` describe the lines of its block, if it still says so."""

    place: int
    begins: bool
    owner_id: str
    count: int | None
    digest: str


def installation_id(folder: str) -> str:
    """The id (8 hexadecimal digits) of the installation whose TANDEM_VAR is this absolute path."""
    return _digest(os.fsencode(folder))


def digest(lines: Iterable[bytes]) -> str:
    """The digest of lines without their line breaks. A carriage return at the end of a line makes no difference."""
    return _digest(b"\n".join(map(bare, lines)))


def bare(line: bytes) -> bytes:
    """The line without the carriage return that some editors put before each line break."""
    return line.removesuffix(b"\r")


def marks(lines: Sequence[bytes]) -> list[Mark]:
    """The marker lines of all installations, in order, also those that were edited a little."""
    found = []
    for place, line in enumerate(lines):
        match = _MARK.fullmatch(line) if b" Tandem " in line else None
        if match:
            word, owner_id, count, said = match.groups()
            number = None if count is None else int(count)
            found.append(Mark(place, word == b"BEGIN", owner_id.decode(), number, (said or b"").decode()))
    return found


def pairs(found: Sequence[Mark]) -> list[tuple[Mark, Mark]]:
    """The marks that follow each other as the beginning and the end of a block of the same installation."""
    return [(a, b) for a, b in pairwise(found) if a.begins and not b.begins and a.owner_id == b.owner_id]


def proven(lines: Sequence[bytes], mark: Mark) -> range:
    """The places of the lines that the mark proves to be its own: as many as it says, with the digest that it says."""
    if mark.count is None:
        return range(0)
    first = mark.place + 1 if mark.begins else mark.place - mark.count
    places = range(first, first + mark.count)
    if first < 0 or places.stop > len(lines) or digest(lines[first : places.stop]) != mark.digest:
        return range(0)
    return places


def runs_us(line: bytes, owner: Owner) -> bool:
    """Whether the line is a line of cron with our command, and nothing else behind it."""
    text = line.strip(b" \t\r")
    head = text.removesuffix(owner.command)
    words = head.split()
    if head == text or not words or not head.endswith((b" ", b"\t")) or words[0].startswith(b"#"):
        return False
    # `@daily` stands for all five fields.
    return len(words) == (owner.fields - 4 if words[0].startswith(b"@") else owner.fields)


def is_disabled(line: bytes, owner: Owner) -> bool:
    """Whether the line is one of ours that somebody made a comment."""
    text = line.lstrip(b" \t")
    return text.startswith(b"#") and runs_us(text.lstrip(b"# \t"), owner)


def of_line_by_line(lines: Iterable[bytes], owner: Owner, known: Iterable[bytes]) -> list[bool]:
    """For each line inside of a block that was edited, whether it is ours.

    Ours are lines with our command, and those that are equal to one of `known`, each as often as it is there.
    """
    left = Counter(known)
    answers = []
    for line in lines:
        is_known = left[bare(line)] > 0
        left[bare(line)] -= is_known
        answers.append(is_known or runs_us(line, owner) or is_disabled(line, owner))
    return answers


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGEST_DIGITS]
