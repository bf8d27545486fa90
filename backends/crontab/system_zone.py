"""The time zone that this machine's cron daemon lives in."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

from scheduling.timing import known_zones


def system_zone(etc: Path = Path("/etc")) -> str:
    """The IANA name behind `/etc/localtime`, else the one in `/etc/timezone`, else UTC (localtime(5)).

    Our own TZ is not asked: the daemon was started by the system and never saw it.
    """
    localtime = etc / "localtime"
    written = _written(etc / "timezone")
    return _linked(localtime) or _equal(localtime, written) or written or "UTC"


def _linked(localtime: Path) -> str:
    if not localtime.is_symlink():
        return ""
    _, found, name = str(localtime.readlink()).partition("zoneinfo/")
    name = name.removeprefix("posix/")
    return name if found and name in known_zones() else ""


def _equal(localtime: Path, preferred: str) -> str:
    """The zone whose file has the same bytes: many do, so the one that /etc/timezone names goes first."""
    if not localtime.is_file():
        return ""
    content = localtime.read_bytes()
    names = ([preferred] if preferred else []) + sorted(known_zones())
    files = ((name, Path(folder) / name) for name in names for folder in zoneinfo.TZPATH)
    return next((name for name, file in files if file.is_file() and file.read_bytes() == content), "")


def _written(timezone: Path) -> str:
    try:
        name = timezone.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return name if name in known_zones() else ""
