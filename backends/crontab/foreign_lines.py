"""How the lines of this host's crontab that are not ours are read for review, and become comments when adopted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings

from backends.crontab import installation, targets
from backends.crontab.block import foreign_places, split
from backends.crontab.owner import Owner
from backends.crontab.targets import Target
from backends.crontab.writer import Writer
from scheduling.backend import Foreign
from scheduling.errors import BackendError, Conflict
from scheduling.review import crontab_text
from scheduling.review.accounts import user_names
from scheduling.review.foreign_table import ForeignTable
from scheduling.storable import storable_text

# Lines that are looked at for people.
_READ: Final = 500


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


def entries(most: int) -> list[Foreign]:
    """The first entries among the foreign lines; those that cron refuses are none. Raises BackendError."""
    if targets.parse(settings.TANDEM_CRONTAB) is None:
        return []
    table = ForeignCrontab()
    # A table may have ten thousand lines, and the first of them are shown.
    text = "".join(table.read().splitlines(keepends=True)[:_READ])
    form, _ = crontab_text.form_of(text, users=user_names())
    lines = [line for line in crontab_text.read(text, form=form, zone=table.zone()) if line.cron is not None]
    return [
        Foreign(f"Line {line.number}", storable_text(line.text), storable_text(line.command), line.cron, adoptable=True)
        for line in lines[:most]
    ]


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
