"""In which time zone does this machine's cron daemon run?"""

from __future__ import annotations

import zoneinfo
from pathlib import Path

from scheduling.timing import known_zones


def system_zone(etc: Path = Path("/etc")) -> str:
    """The IANA name of the zone in `/etc/localtime`, else the one in `/etc/timezone`, else UTC (localtime(5)).

    TZ in our environment does not count: the system started the daemon, without our environment.
    """
    localtime = etc / "localtime"
    in_timezone_file = _name_in(etc / "timezone")
    return _name_linked_by(localtime) or _name_of_equal(localtime, in_timezone_file) or in_timezone_file or "UTC"


def _name_linked_by(localtime: Path) -> str:
    if not localtime.is_symlink():
        return ""
    _, found, name = str(localtime.readlink()).partition("zoneinfo/")
    name = name.removeprefix("posix/")
    return name if found and name in known_zones() else ""


def _name_of_equal(localtime: Path, preferred: str) -> str:
    """The zone whose file has the same bytes. Several zones may have them, so `preferred` is tried first."""
    if not localtime.is_file():
        return ""
    content = localtime.read_bytes()
    names = ([preferred] if preferred else []) + sorted(known_zones())
    files = ((name, Path(folder) / name) for name in names for folder in zoneinfo.TZPATH)
    return next((name for name, file in files if file.is_file() and file.read_bytes() == content), "")


def _name_in(timezone: Path) -> str:
    try:
        name = timezone.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return name if name in known_zones() else ""
