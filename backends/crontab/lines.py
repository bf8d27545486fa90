"""How the lines inside our block are written, and read back. Pure.

python-crontab renders and reads them. It never sees a foreign line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from crontab import CronItem, CronSlices, CronTab

from scheduling.entry import Entry
from scheduling.errors import BackendError
from scheduling.review.crontab_text import MOST_COMMAND_BYTES

# A comment is for people who look into the table: one line of it.
MOST_COMMENT_CHARACTERS: Final = 200
# Each comment of ours begins so. No name can make it look like a marker line.
COMMENT_START: Final = "# Tandem: "
# What stands behind the path of our wrapper in each line.
WAKE_UP: Final = "due"
# The words before the names get at most half of a comment.
_MOST_WORDS: Final = 100
# Enough of a name to know it, and several fit.
_MOST_NAME: Final = 40
_SHELL: Final = "SHELL=/bin/sh"
_ASSIGNMENT: Final = re.compile(r"[A-Z_]+=")


@dataclass(frozen=True, slots=True)
class Group:
    """Schedules that need the same lines: the five fields of each line, a few words, and the ids with the names."""

    expressions: tuple[str, ...]
    words: str
    schedules: tuple[tuple[int, str], ...]

    @property
    def ids(self) -> list[int]:
        return [schedule_id for schedule_id, _ in self.schedules]


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


def entries_of(groups: Iterable[Group], command: str, *, user: str = "") -> list[Entry]:
    """The lines as they are in the crontab, each once, with the ids of all schedules that share it.

    `user`: the column of a table in /etc/cron.d. Raises BackendError if the command is longer than cron accepts.
    """
    ids: dict[str, list[int]] = {}
    for group in groups:
        for expression in group.expressions:
            ids.setdefault(expression, []).extend(group.ids)
    return [Entry(_text(expression, command, user), tuple(sorted(set(found)))) for expression, found in ids.items()]


def render(groups: Sequence[Group], *, command: str, zone: str, user: str = "") -> bytes:
    """The inside of our block. Without lines it is empty, and the table gets no block. Raises as `entries_of` does.

    Each line stands under the comment of the first group that needs it. Assignments above the block are in force
    inside it. So the block sets what decides how our lines run: the shell, and the zone in which cronie and others (not
    Debian's cron) read the fields.
    """
    text = [_SHELL, f"CRON_TZ={zone}"]
    written: set[str] = set()
    for group in groups:
        fresh = [expression for expression in dict.fromkeys(group.expressions) if expression not in written]
        written.update(fresh)
        text.append(comment_text(group, above=not fresh))
        text += [_text(expression, command, user) for expression in fresh]
    return "".join(line + "\n" for line in text).encode() if written else b""


def count(groups: Sequence[Group]) -> int:
    """How many lines `render` writes for the groups, its assignments left out."""
    return len(groups) + len({expression for group in groups for expression in group.expressions})


def comment_text(group: Group, *, above: bool = False) -> str:
    """The comment as one line of printable text, at most MOST_COMMENT_CHARACTERS long, with as many names as fit.

    `above`: the lines of the group stand above already.
    """
    text = COMMENT_START + _cut(group.words, _MOST_WORDS) + (" (its lines are above)" if above else "")
    left = len(group.schedules)
    for schedule_id, name in group.schedules:
        left -= 1
        longer = f"{text}{', ' if left < len(group.schedules) - 1 else ': '}{schedule_id} {_cut(name, _MOST_NAME)}"
        if len(longer + _others(left)) > MOST_COMMENT_CHARACTERS:
            return text + _others(left + 1)
        text = longer.rstrip()
    return text


def read(block: bytes) -> list[Entry]:
    """The entries in the block, in order, with those that we did not write. Their schedules are not known."""
    owner = CronTab(tab="")
    text = block.decode("utf-8", "backslashreplace")
    return [
        Entry(_read(line, owner))
        for line in text.split("\n")
        if line.strip() and not line.lstrip().startswith("#") and not _ASSIGNMENT.match(line)
    ]


def expression_of(found: Entry) -> str:
    """The five fields of an entry's text."""
    return " ".join(found.text.split(None, 5)[:5])


def _text(expression: str, command: str, user: str) -> str:
    called = f"{command} {WAKE_UP}"
    if len(called.encode()) > MOST_COMMAND_BYTES:
        raise BackendError(f"A crontab command has at most {MOST_COMMAND_BYTES} bytes: choose a shorter TANDEM_VAR.")
    item = _Item(command=f"{user} {called}" if user else called)
    item.setall(*expression.split(" "))
    return str(item.render())


def _read(line: str, owner: CronTab) -> str:
    item = _Item.from_line(line, cron=owner)
    return str(item.render()) if item.is_valid() else line


def _others(number: int) -> str:
    return f" and {number} more" if number else ""


def _cut(text: str, most: int) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    one_line = " ".join(printable.split())
    return one_line if len(one_line) <= most else one_line[: most - 3] + "..."
