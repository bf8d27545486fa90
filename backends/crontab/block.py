"""How our block is put into the text of a crontab, and read from it. Pure: bytes in, bytes out.

Our block is between two marker comments at the end of the table. So its assignments cannot change a line that is not
ours: an assignment is in force for the lines after it (crontab(5)). Everything outside the block is foreign: it is
never parsed and never changed. Lines that somebody appends after the block are before it after the next write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scheduling.errors import BackendError

BEGIN: Final = b"# --- BEGIN Tandem: written by a program, edit the schedules instead ---"
# The same for a table without a final newline: the newline before this line is added and removed with the block.
BEGIN_JOINED: Final = (
    b"# --- BEGIN Tandem: written by a program with the line break above, edit the schedules instead ---"
)
END: Final = b"# --- END Tandem ---"
_BEGIN_START: Final = b"# --- BEGIN Tandem"
_END_START: Final = b"# --- END Tandem"

# Debian's cron ignores a table of more than 10,000 lines, comments included. `crontab` adds three lines to a table.
MOST_LINES: Final = 9_990


@dataclass(frozen=True, slots=True)
class Parts:
    """A table in two parts: `foreign`, the table without our block, and `block`, the inside of our block."""

    foreign: bytes
    block: bytes


def split(table: bytes) -> Parts:
    """Split a table into its parts. Raises BackendError if its marker lines do not form exactly one block."""
    lines = table.split(b"\n")
    marks = [number for number, line in enumerate(lines) if line.lstrip(b" \t").startswith((_BEGIN_START, _END_START))]
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
    `split` does, and if the result would have more lines than cron reads.
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


def foreign_places(table: bytes) -> list[int]:
    """For each foreign line, its place (from 0) among all lines of the table. Raises BackendError as `split` does."""
    foreign, lines = split(table).foreign.split(b"\n"), table.split(b"\n")
    if len(foreign) == len(lines):
        return list(range(len(lines)))
    # Lines before the block keep their places. Lines after it come later by the number of lines in the block.
    before = next(index for index, line in enumerate(lines) if line.startswith(_BEGIN_START))
    shift = len(lines) - len(foreign)
    return [index if index < before else index + shift for index in range(len(foreign))]


def _damaged(marks: list[int]) -> str:
    places = ", ".join(str(number + 1) for number in marks[:10])
    return (
        f"The crontab's Tandem block is damaged (marker lines: {places}), so nothing was changed: "
        "delete these lines and everything between them. Tandem then writes the block again."
    )
