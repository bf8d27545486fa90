"""Time zones by their IANA names, with the rules of the pinned package `tzdata`, or of another folder of zone files.

zoneinfo would prefer the system's files. Then two machines with the same Tandem could plan one schedule differently.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from scheduling.errors import InvalidTrigger
from scheduling.phrases import phrase
from scheduling.timing.grammar import excerpt
from scheduling.timing.zone_file import Offsets, read_offsets

UNKNOWN_RELEASE = "unknown release"


class Zone(ZoneInfo):
    """A time zone that knows when its clocks change. Made by `ZoneFiles.zone`."""

    offsets: Offsets


@dataclass(frozen=True, slots=True)
class ZoneFiles:
    """A folder of compiled zone files (tzfile(5)) with IANA names, such as /usr/share/zoneinfo."""

    folder: Path

    def zone(self, name: str) -> Zone | None:
        """The zone with this known name, by the rules of this folder; None without a file that can be read.

        The same file gives the same object, a file that was replaced gives another. zoneinfo compares zones by
        identity, so caches never mix up the rules of two folders.
        """
        file = self.folder / name
        try:
            return _read(file, file.stat().st_mtime_ns, name)
        except (OSError, ValueError):
            return None

    @property
    def release(self) -> str:
        """Such as `2025b`, from tzdata.zi (`# version 2025b`) or `+VERSION` (BSD, macOS), else UNKNOWN_RELEASE."""
        for name in ("tzdata.zi", "+VERSION"):
            try:
                with (self.folder / name).open(encoding="ascii", errors="replace") as lines:
                    return lines.readline(50).removeprefix("# version").strip() or UNKNOWN_RELEASE
            except OSError:
                continue
        return UNKNOWN_RELEASE


_PACKAGE = Path(str(resources.files("tzdata")))
PINNED = ZoneFiles(_PACKAGE / "zoneinfo")
"""The zones of triggers."""


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """All IANA names that can be used here: those of the package."""
    # They are ASCII. Python has the decoder of UTF-8 built in, and would load that of ASCII from a file.
    return frozenset((_PACKAGE / "zones").read_text(encoding="utf-8").split())


# Read with the module, not by the first expression that is parsed: every process that has a trigger needs it.
known_zones()


def zone(name: object) -> Zone:
    """The zone with exactly this IANA name. Raises InvalidTrigger (field `zone`) for any other name."""
    return _kept(PINNED, _known(name))


def clock_zone(name: object) -> Zone:
    """The zone as the clock of this machine and its cron daemon have it: by the system's files.

    A system without a file for the zone gives that of the package. Raises InvalidTrigger as `zone` does.
    """
    known = _known(name)
    files = system_files()
    return (files and files.zone(known)) or _kept(PINNED, known)


def system_files() -> ZoneFiles | None:
    """The system's zone files: the first folder of zoneinfo.TZPATH that has any; None without one."""
    folders = map(Path, zoneinfo.TZPATH)
    return next((ZoneFiles(folder) for folder in folders if (folder / "UTC").is_file()), None)


def tzdata_version() -> str:
    """The release of the tz database that triggers use, such as `2026f`.

    Releases are a year and letters, so they can be compared as text (https://www.iana.org/time-zones).
    """
    return _release(PINNED)


@lru_cache(maxsize=16)
def _release(files: ZoneFiles) -> str:
    return files.release


@lru_cache(maxsize=2048)
def _kept(files: ZoneFiles, name: str) -> Zone:
    found = files.zone(name)
    if found is None:
        raise _unknown(name)
    return found


# The time of change is a part of the key: the package of a system is upgraded while we run.
@lru_cache(maxsize=2048)
def _read(file: Path, _changed: int, name: str) -> Zone:
    data = file.read_bytes()
    offsets = read_offsets(data)
    found = Zone.from_file(BytesIO(data), key=name)
    found.offsets = offsets
    return found


def _known(name: object) -> str:
    if not isinstance(name, str):
        raise InvalidTrigger(
            phrase("zone: a name such as Europe/Berlin is needed, not {kind}", kind=type(name).__name__),
            field="zone",
        )
    if name not in known_zones():
        raise _unknown(name)
    return name


def _unknown(name: str) -> InvalidTrigger:
    close = _close_names(name) if len(name) <= 64 else []
    if close:
        advice = phrase("did you mean {known}?", known=", ".join(close))
    else:
        advice = phrase("write an IANA name such as Europe/Berlin or UTC")
    return InvalidTrigger(
        phrase("zone: '{name}' is not a time zone; {advice}", name=excerpt(name), advice=advice),
        field="zone",
        text=excerpt(name),
        instead=close[0] if close else "",
    )


def _close_names(name: str) -> list[str]:
    lowered = {known.lower(): known for known in sorted(known_zones())}
    last_words = {known.rpartition("/")[2]: known for known in lowered}
    wanted = name.strip().lower().replace(" ", "_")
    if wanted in last_words:
        return [lowered[last_words[wanted]]]
    return [lowered[match] for match in get_close_matches(wanted, lowered, n=3, cutoff=0.75)]
