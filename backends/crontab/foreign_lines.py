"""How the lines of this host's crontab that are not ours are read for review, and become comments when adopted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from django.conf import settings

from backends.crontab import files, targets
from backends.crontab.block import foreign_places, split
from backends.crontab.targets import Target
from backends.crontab.writer import Writer
from scheduling.errors import BackendError, Conflict
from scheduling.review.foreign_table import ForeignTable


class ForeignCrontab(ForeignTable):
    """This host's crontab (TANDEM_CRONTAB). Backups are kept in `crontab-backups` in the folder TANDEM_VAR."""

    def read(self) -> str:
        return split(_target().read()).foreign.decode("utf-8", "surrogateescape")

    def zone(self) -> str:
        return _target().zone()

    def comment_out(self, lines: Mapping[int, tuple[str, str]], *, now: datetime) -> str:
        target, folder = _target(), Path(settings.VAR)
        wanted = {number: (_bytes(line), why) for number, (line, why) in lines.items()}
        kept = folder / "crontab-backups"
        name = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{sha256(target.describe().encode()).hexdigest()[:8]}.crontab"

        def edit(table: bytes) -> bytes:
            edited = commented(table, wanted)
            try:
                files.replace(kept / name, table, mode=0o600)
            except OSError as exc:
                raise BackendError(f"The backup {kept / name} cannot be written: {exc.strerror}.") from exc
            return edited

        _Editor(target, folder, edit=edit).bring(lambda: b"")
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Editor(Writer):
    """A Writer that changes foreign lines instead of our block, with the same lock, pause and check."""

    edit: Callable[[bytes], bytes]

    def _change(self, block: Callable[[], bytes]) -> bytes | None:
        del block  # our block stays as it is
        present = self.target.read()
        wanted = self.edit(present)
        return None if wanted == present else wanted


def commented(table: bytes, lines: Mapping[int, tuple[bytes, str]]) -> bytes:
    """The table with these foreign lines ({number from 1: (line, why)}) as comments. Pure.

    Raises Conflict if a line has changed meanwhile, BackendError if our block is damaged.
    """
    # `lines` counts the foreign lines alone, without our block, which can be anywhere in the table.
    places = foreign_places(table)
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
