"""A crontab as bytes: our block, and everything else, which is never parsed and never changed. Pure.

The block stands between two marker comments, at the end of the table: what it assigns (crontab(5): an
assignment is in force for the lines after it) cannot reach a line that is not ours. Lines that somebody
appends behind it come before it at the next write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scheduling.errors import BackendError

BEGIN: Final = b"# --- BEGIN Tandem: written by a program, edit the schedules instead ---"
# The same, where the table had no final newline: the one before this line comes and goes with the block.
BEGIN_JOINED: Final = (
    b"# --- BEGIN Tandem: written by a program with the line break above, edit the schedules instead ---"
)
END: Final = b"# --- END Tandem ---"
_MARKER_STARTS: Final = (b"# --- BEGIN Tandem", b"# --- END Tandem")

# Debian's cron ignores a table of more than 10,000 lines, comments included; `crontab` adds three of its own.
MOST_LINES: Final = 9_990


@dataclass(frozen=True, slots=True)
class Parts:
    """A table taken apart: the bytes that are not ours, as without us, and the inside of our block."""

    foreign: bytes
    block: bytes


def split(table: bytes) -> Parts:
    """Take a table apart. Raises BackendError where the markers are not exactly one block."""
    lines = table.split(b"\n")
    marks = [number for number, line in enumerate(lines) if line.lstrip(b" \t").startswith(_MARKER_STARTS)]
    if not marks:
        return Parts(table, b"")
    if len(marks) != 2 or lines[marks[0]] not in {BEGIN, BEGIN_JOINED} or lines[marks[1]] != END:
        raise BackendError(_damaged(marks))
    begin, end = marks
    before = b"".join(line + b"\n" for line in lines[:begin])
    after = b"\n".join(lines[end + 1 :])
    if lines[begin] == BEGIN_JOINED and not after:
        before = before.removesuffix(b"\n")
    return Parts(before + after, b"".join(line + b"\n" for line in lines[begin + 1 : end]))


def splice(table: bytes, block: bytes) -> bytes:
    """The table with `block` (whole lines, or empty for no block) as our block, at the end.

    `splice(splice(table, block), b"") == table` for every table without a block. Raises BackendError as
    `split` does, and where the result would be longer than cron reads.
    """
    foreign = split(table).foreign
    if not block:
        return foreign
    joined = bool(foreign) and not foreign.endswith(b"\n")
    begin = b"\n" + BEGIN_JOINED if joined else BEGIN
    spliced = foreign + begin + b"\n" + block + END + b"\n"
    count = spliced.count(b"\n")
    if count > MOST_LINES:
        raise BackendError(
            f"The crontab would have {count:,} lines, and cron reads no table of more than 10,000: "
            "move schedules to another backend or another host."
        )
    return spliced


def _damaged(marks: list[int]) -> str:
    places = ", ".join(str(number + 1) for number in marks[:10])
    return (
        f"The crontab's Tandem block is damaged (its marker lines are on: {places}), so nothing was changed: "
        "delete these lines and what is between them, and the block will be written anew."
    )
