"""What people and programs do to a crontab with our block in it, for tests of any such damage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st

from backends.crontab.owner import Owner

OWNER: Final = Owner("0a1b2c3d", b"/srv/a/tandem-cron due")
OTHER: Final = Owner("ffff0000", b"/srv/b/tandem-cron due")


def block_of(owner: Owner, *expressions: bytes) -> bytes:
    """The inside of a block with a line for each expression."""
    lines = [b"# %d: A report\n%s %s\n" % (i, text, owner.command) for i, text in enumerate(expressions)]
    return b"SHELL=/bin/sh\nCRON_TZ=UTC\n" + b"".join(lines)


BLOCK: Final = block_of(OWNER, b"* * * * *", b"0 9 * * 1-5")
OTHERS_BLOCK: Final = block_of(OTHER, b"* * * * *", b"30 4 * * *")

PIECES: Final = st.sampled_from(
    [
        b"\n",
        b"\r\n",
        b"MAILTO=\n",
        b"FOO = bar\n",
        b"\t*/5 * * * *\tcmd\n",
        b"\xff\xfe\n",
        b"\0\n",
        b"CRON_TZ=Asia/Tokyo\n",
        b"0 5 * * * echo 100\\% # note\r\n",
        b" #---\n",
        b"# --- BEGIN Tandem\n",
        b"0 5 * * * /srv/a/tandem-cron due --now\n",
        b"0 5 * * * echo /srv/a/tandem-cron due\n",
        b"# --- END Tandem abcdabcd: 3 lines, 01234567 ---\n",
        b"no newline",
    ]
)
# A line that is a marker of an installation belongs to it, so no such line is foreign to it.
FOREIGN: Final = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=12).map(b"".join)).filter(
    lambda table: OWNER.id.encode() not in table and OTHER.id.encode() not in table
)

# Each takes the lines (without line breaks), a place and a text, and returns other lines.
Damage = Callable[[list[bytes], int, bytes], list[bytes]]


def _lose(lines: list[bytes], place: int, _: bytes) -> list[bytes]:
    return lines[:place] + lines[place + 1 :]


def _double(lines: list[bytes], place: int, _: bytes) -> list[bytes]:
    return lines[: place + 1] + lines[place:]


def _insert(lines: list[bytes], place: int, text: bytes) -> list[bytes]:
    return [*lines[:place], text, *lines[place:]]


def _carriage_return(lines: list[bytes], place: int, _: bytes) -> list[bytes]:
    return [*lines[:place], lines[place] + b"\r", *lines[place + 1 :]]


def _comment(lines: list[bytes], place: int, _: bytes) -> list[bytes]:
    return [*lines[:place], b"#" + lines[place], *lines[place + 1 :]]


def _swap(lines: list[bytes], place: int, _: bytes) -> list[bytes]:
    return [*lines[place + 1 :], *lines[: place + 1]]


def _double_all(lines: list[bytes], _: int, __: bytes) -> list[bytes]:
    return lines + lines


DAMAGES: Final[dict[str, Damage]] = {
    "lose": _lose,
    "double": _double,
    "insert": _insert,
    "carriage return": _carriage_return,
    "comment": _comment,
    "swap": _swap,
    "double all": _double_all,
}
