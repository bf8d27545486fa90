"""How our block is put into the text of a crontab, and read from it. Pure: bytes in, bytes out.

Our block is between two marker comments at the end of the table. So its assignments cannot change a line that is not
ours: an assignment is in force for the lines after it (crontab(5)). Everything outside the block is foreign: it is
never parsed and never changed. Lines that somebody appends after the block are before it after the next write.

python-crontab renders and reads the lines inside the block. It never sees a foreign line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from crontab import CronItem, CronSlices, CronTab

from scheduling.entry import Entry
from scheduling.errors import BackendError
from scheduling.review.crontab_text import MOST_COMMAND_BYTES

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

# A comment is for people who look into the table: one line of it.
MOST_COMMENT_CHARACTERS: Final = 200
# The schedule id of a line in our block that we did not write.
NOT_OURS: Final = 0
_FIRE: Final = re.compile(r".* fire ([1-9][0-9]{0,18})", re.ASCII)
_ASSIGNMENT: Final = re.compile(r"[A-Z_]+=")


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


@dataclass(frozen=True, slots=True)
class BlockLine:
    """One line that wakes us: the schedule, the five fields as cron reads them, and a comment for people."""

    schedule_id: int
    expression: str
    comment: str = ""


class _Fields(CronSlices):  # type: ignore[misc]  # python-crontab has no types
    """Keeps the five fields as they were written.

    python-crontab itself renders `1-31` as `*`, which changes the day rule, and `0 * * * *` as `@hourly`. It refuses
    `*/60`, which cron accepts.
    """

    text = ""

    def setall(self, *slices: object) -> None:
        self.text = " ".join(map(str, slices))

    def render(self) -> str:
        return self.text


class _Item(CronItem):  # type: ignore[misc]  # as above
    """A line whose fields stay as they are."""

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(*args, **named)
        self.slices = _Fields()


def entry(line: BlockLine, command: str) -> Entry:
    """The line as it is in the crontab. Raises BackendError if its command is longer than cron accepts."""
    item = _Item(command=f"{command} fire {line.schedule_id:d}")
    if len(item.command.encode()) > MOST_COMMAND_BYTES:
        raise BackendError(f"A crontab command has at most {MOST_COMMAND_BYTES} bytes: choose a shorter TANDEM_VAR.")
    item.setall(*line.expression.split(" "))
    return Entry(line.schedule_id, item.render())


def render(lines: Iterable[BlockLine], *, command: str, zone: str) -> bytes:
    """The inside of our block. Without lines it is empty, and the table gets no block.

    Assignments above the block are in force inside it. So the block sets what decides how our lines run: the shell,
    and the zone in which cronie and others (not Debian's cron) read the fields.
    """
    text = [f"# {comment_text(line)}\n{entry(line, command).text}\n" for line in lines]
    if not text:
        return b""
    return "".join(["SHELL=/bin/sh\n", f"CRON_TZ={zone}\n", *text]).encode()


def comment_text(line: BlockLine) -> str:
    """The comment as one line of printable text, at most MOST_COMMENT_CHARACTERS long.

    It begins with the schedule's id, so that no name can look like a marker line.
    """
    printable = "".join(character if character.isprintable() else " " for character in line.comment)
    text = f"{line.schedule_id}: {' '.join(printable.split())}"
    return text if len(text) <= MOST_COMMENT_CHARACTERS else text[: MOST_COMMENT_CHARACTERS - 3] + "..."


def read(block: bytes) -> list[Entry]:
    """The entries in the block, in order. A line that we did not write has the schedule id NOT_OURS."""
    owner = CronTab(tab="")
    text = block.decode("utf-8", "backslashreplace")
    return [
        _read(line, owner)
        for line in text.split("\n")
        if line.strip() and not line.lstrip().startswith("#") and not _ASSIGNMENT.match(line)
    ]


def expression_of(found: Entry) -> str:
    """The five fields of an entry's text."""
    return " ".join(found.text.split(" ")[:5])


def _read(line: str, owner: CronTab) -> Entry:
    item = _Item.from_line(line, cron=owner)
    fire = _FIRE.fullmatch(item.command) if item.is_valid() else None
    if fire is None:
        return Entry(NOT_OURS, line)
    return Entry(int(fire.group(1)), item.render())
