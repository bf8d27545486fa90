"""Other releases of the time zone data: folders of zone files, in which a zone has the rules of another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from scheduling.timing import zones
from scheduling.timing.zones import PINNED, ZoneFiles

# Until 2025, Vancouver changed its clocks as Los Angeles does. From November 2026 on it keeps UTC-7 (release 2026a).
OLD_VANCOUVER = {"America/Vancouver": "America/Los_Angeles"}


def a_release(folder: Path, release: str, like: Mapping[str, str]) -> ZoneFiles:
    """A release with UTC and the zones of `like`, each with the package's rules of the zone that is named there."""
    made = folder / "zoneinfo"
    for name, rules in {"UTC": "UTC", **like}.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes((PINNED.folder / rules).read_bytes())
    (made / "tzdata.zi").write_text(f"# version {release}\n")
    return ZoneFiles(made)


def use(monkeypatch: pytest.MonkeyPatch, files: ZoneFiles) -> None:
    """From here on, this process has that release, as if it were the package's."""
    monkeypatch.setattr(zones, "PINNED", files)
