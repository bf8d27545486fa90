"""How the lines inside our block are written, and read back. Pure.

python-crontab renders and reads them. It never sees a foreign line.
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

# A comment is for people who look into the table: one line of it.
MOST_COMMENT_CHARACTERS: Final = 200
# The schedule id of a line in our block that we did not write.
NOT_OURS: Final = 0
_FIRE: Final = re.compile(r".* fire ([1-9][0-9]{0,18})", re.ASCII)
_ASSIGNMENT: Final = re.compile(r"[A-Z_]+=")


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


def entry(line: BlockLine, command: str, user: str = "") -> Entry:
    """The line as it is in the crontab; `user` is for a table with a column of users.

    Raises BackendError if its command is longer than cron accepts.
    """
    item = _Item(command=f"{command} fire {line.schedule_id:d}")
    if len(item.command.encode()) > MOST_COMMAND_BYTES:
        raise BackendError(f"A crontab command has at most {MOST_COMMAND_BYTES} bytes: choose a shorter TANDEM_VAR.")
    item.setall(*line.expression.split(" "), *([user] if user else []))
    return Entry(line.schedule_id, item.render())


def render(lines: Iterable[BlockLine], *, command: str, zone: str, user: str = "") -> bytes:
    """The inside of our block. Without lines it is empty, and the table gets no block.

    Assignments above the block are in force inside it. So the block sets what decides how our lines run: the shell,
    and the zone in which cronie and others (not Debian's cron) read the fields.
    """
    text = [f"# {comment_text(line)}\n{entry(line, command, user).text}\n" for line in lines]
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
