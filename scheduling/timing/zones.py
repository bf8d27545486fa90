"""Time zones by their IANA names, and the tz database in use."""

from __future__ import annotations

import zoneinfo
from difflib import get_close_matches
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo

from scheduling.errors import InvalidTrigger
from scheduling.timing.grammar import excerpt

_NOT_ZONES = {"localtime", "posixrules"}
"""Some systems have these files beside the zones. They mean the zone that the machine is set to."""


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """All IANA names that can be used here. Reads the tz database once per process."""
    return frozenset(zoneinfo.available_timezones() - _NOT_ZONES)


def zone(name: object) -> ZoneInfo:
    """The zone with exactly this IANA name. Raises InvalidTrigger (field `zone`) for any other name."""
    if not isinstance(name, str):
        raise InvalidTrigger(
            f"zone: a name such as Europe/Berlin is needed, not {type(name).__name__}",
            field="zone",
        )
    if name not in known_zones():
        raise _unknown(name)
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def tzdata_version() -> str:
    """The release of the tz database in use and its source: `2026f (tzdata package)`, `2025b (system)`.

    zoneinfo prefers the system's files. It uses the package when the system has none.
    """
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / "UTC").is_file():
            return f"{_system_release(folder)} (system)"
    try:
        return f"{metadata.version('tzdata')} (tzdata package)"
    except metadata.PackageNotFoundError:
        return "none"


def _system_release(folder: Path) -> str:
    """The release of the system's files, from tzdata.zi (`# version 2025b`) or `+VERSION` (BSD, macOS: `2025b`)."""
    for name in ("tzdata.zi", "+VERSION"):
        try:
            with (folder / name).open(encoding="ascii") as lines:
                return lines.readline().removeprefix("# version").strip()
        except FileNotFoundError:
            continue
    return "unknown release"


def _unknown(name: str) -> InvalidTrigger:
    close = _close_names(name) if len(name) <= 64 else []
    advice = f"did you mean {', '.join(close)}?" if close else "write an IANA name such as Europe/Berlin or UTC"
    return InvalidTrigger(
        f"zone: '{excerpt(name)}' is not a time zone; {advice}",
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
