"""In which time zone does this machine's cron daemon run, and by which rules?"""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from scheduling.timing import clock_zone, known_zones, tzdata_version, zone
from scheduling.timing.dst import first_difference
from scheduling.timing.instants import instant, minute_of
from scheduling.timing.zones import UNKNOWN_RELEASE, system_files

# A difference that lies farther ahead can wait for the next upgrade of the system.
AHEAD: Final = timedelta(days=366)


def system_zone(etc: Path = Path("/etc")) -> str:
    """The IANA name of the zone in `/etc/localtime`, else the one in `/etc/timezone`, else UTC (localtime(5)).

    TZ in our environment does not count: the system started the daemon, without our environment.
    """
    localtime = etc / "localtime"
    in_timezone_file = _name_in(etc / "timezone")
    return _name_linked_by(localtime) or _name_of_equal(localtime, in_timezone_file) or in_timezone_file or "UTC"


def release() -> str:
    """The release of this system's time zone data."""
    files = system_files()
    return files.release if files else UNKNOWN_RELEASE


def difference(name: str, *, now: datetime) -> str:
    """From when clocks of this system in a zone differ from Tandem's, and what to do; empty without such a time AHEAD.

    Tandem's own lines are written for the system's clock, and wake it in time. All other lines run by that clock.
    """
    differs = first_difference(clock_zone(name), zone(name), start=minute_of(now), end=minute_of(now + AHEAD))
    if differs is None:
        return ""
    return (
        f"From {instant(differs):%Y-%m-%d %H:%M} UTC on, this system's clock in {name} ({release()}) differs from "
        f"Tandem's rules for it ({tzdata_version()}): upgrade the system's tzdata, and restart cron."
    )


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
