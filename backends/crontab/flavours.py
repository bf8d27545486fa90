"""Which cron is it, and what does it read? Pure: the flavours are told apart by what `crontab -V` says.

Measured with Debian's cron 3.0pl1-162, cronie 1.7.2 and busybox 1.35 (`crontab`, and the daemon for some minutes); the
limits are in their sources (`MAX_COMMAND`, `MAX_GARBAGE`, `MAX_USER_ENTRIES`, `MAXLINES`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scheduling.review.crontab_text import MOST_COMMAND_BYTES


@dataclass(frozen=True, slots=True)
class Flavour:
    """One kind of cron.

    `cron_tz`: it reads the fields below `CRON_TZ=` in that zone. `cron_d`: it reads /etc/cron.d. `raw_list`:
    `crontab -l` prints the bytes as they are. `catches_up`: a line without a wildcard in minute and hour runs once
    although the clock jumps over its time (by less than three hours), and does not run twice when the clock goes back.
    Without that, a time that is jumped over does not run, and one that comes twice runs twice. `most_lines` (with
    comments) and `most_entries` (without) are those of a table, `most_command_bytes` those of one command,
    `most_comment_bytes` what may stand between two entries; None where there is no limit that matters. `rereads` says
    when the daemon reads a changed table.
    """

    name: str
    cron_tz: bool
    cron_d: bool
    raw_list: bool
    catches_up: bool
    rereads: str
    most_lines: int | None = None
    most_entries: int | None = None
    most_command_bytes: int | None = None
    most_comment_bytes: int | None = None


_EACH_MINUTE: Final = "at each minute, if the time of the file or its folder has changed by a whole second"

DEBIAN: Final = Flavour(
    "Debian's cron",
    cron_tz=False,
    cron_d=True,
    raw_list=False,
    catches_up=True,
    rereads=_EACH_MINUTE,
    most_lines=10_000,
    most_command_bytes=MOST_COMMAND_BYTES,
)
CRONIE: Final = Flavour(
    "cronie",
    cron_tz=True,
    cron_d=True,
    raw_list=True,
    catches_up=True,
    rereads="at once where it watches the folders (inotify); else at each minute, by the time of the file",
    most_entries=10_000,
    most_command_bytes=131_071,
    # More is refused as a whole: "too much non-parseable content".
    most_comment_bytes=32_768,
)
BUSYBOX: Final = Flavour(
    "busybox",
    cron_tz=False,
    cron_d=False,
    raw_list=True,
    catches_up=False,
    rereads="at each minute, if its folder has changed or `crontab` has named the user in cron.update; else each hour",
    # Of a user other than root, assignments included. The rest is ignored; only the log of the daemon says so.
    most_entries=255,
)
UNKNOWN: Final = Flavour(
    "an unknown cron",
    cron_tz=False,
    cron_d=False,
    raw_list=False,
    catches_up=False,
    rereads="not known",
    most_lines=10_000,
    most_entries=255,
    most_command_bytes=MOST_COMMAND_BYTES,
    most_comment_bytes=32_768,
)


def recognize(said: str) -> Flavour:
    """The flavour whose `crontab -V` said this, on both of its channels together."""
    if said.startswith("cronie "):
        return CRONIE
    if "BusyBox v" in said:
        return BUSYBOX
    # It knows no -V, and shows how it is used; -n is Debian's own.
    if "crontab [-u user] [-n] file" in " ".join(said.split()):
        return DEBIAN
    return UNKNOWN
