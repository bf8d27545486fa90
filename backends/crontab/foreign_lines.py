"""How the lines of this host's crontab that are not ours are read for review, and become comments when adopted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from django.conf import settings

from backends.crontab import installation, targets
from backends.crontab.block import foreign_places, split
from backends.crontab.owner import Owner
from backends.crontab.targets import Target
from backends.crontab.writer import Writer
from scheduling.errors import BackendError, Conflict
from scheduling.review.foreign_table import ForeignTable


class ForeignCrontab(ForeignTable):
    """This host's crontab (TANDEM_CRONTAB). What it was before is among the kept tables (`manage.py crontab kept`)."""

    def read(self) -> str:
        target = _target()
        return split(target.read(), installation.owner(target)).foreign.decode("utf-8", "surrogateescape")

    def zone(self) -> str:
        return _target().zone()

    def comment_out(self, lines: Mapping[int, tuple[str, str]], *, now: datetime) -> str:
        del now  # the writer names what it keeps by its own clock
        wanted, target = {number: (_bytes(line), why) for number, (line, why) in lines.items()}, _target()
        owner, writer = installation.owner(target), Writer(target, Path(settings.VAR))
        return writer.change(lambda: lambda table: commented(table, wanted, owner)) or ""


def commented(table: bytes, lines: Mapping[int, tuple[bytes, str]], owner: Owner) -> bytes:
    """The table with these foreign lines ({number from 1: (line, why)}) as comments. Pure.

    Raises Conflict if a line has changed meanwhile.
    """
    # `lines` counts the foreign lines alone, without our block, which can be anywhere in the table.
    places = foreign_places(table, owner)
    parts = table.split(b"\n")
    for number, (line, why) in lines.items():
        place = places[number - 1] if 0 < number <= len(places) else None
        if place is None or parts[place] != line:
            raise Conflict(f"Line {number} of the crontab has changed meanwhile: review the crontab again.")
        parts[place] = b"# " + _one_line(why) + b": " + line
    return b"\n".join(parts)


def _one_line(text: str) -> bytes:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()).encode()


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")


def _target() -> Target:
    target = targets.parse(settings.TANDEM_CRONTAB)
    if target is None:
        raise BackendError("This machine has no crontab (TANDEM_CRONTAB is none).")
    return target
