"""The time zone of the system's cron, read from folders that look like /etc."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.crontab.system_zone import difference, release, system_zone
from scheduling.timing import tzdata_version
from tests.scheduling.timing.releases import OLD_VANCOUVER, a_release

SYSTEM = Path(zoneinfo.TZPATH[0])
needs_system_zones = pytest.mark.skipif(
    not (SYSTEM / "Europe/Berlin").is_file(), reason="this machine has no zone files to compare with"
)


def test_a_link_names_the_zone(tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    (tmp_path / "timezone").write_text("Asia/Tokyo\n")
    assert system_zone(tmp_path) == "Europe/Berlin"


def test_a_relative_link_into_the_posix_folder_names_it_too(tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to("../usr/share/zoneinfo/posix/America/New_York")
    assert system_zone(tmp_path) == "America/New_York"


@needs_system_zones
def test_a_copied_file_is_recognised_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes((SYSTEM / "Asia/Kathmandu").read_bytes())
    assert system_zone(tmp_path) in {"Asia/Kathmandu", "Asia/Katmandu"}


@needs_system_zones
def test_of_equal_files_the_one_written_down_is_taken(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes((SYSTEM / "Asia/Kathmandu").read_bytes())
    (tmp_path / "timezone").write_text("Asia/Kathmandu\n")
    assert system_zone(tmp_path) == "Asia/Kathmandu"


def test_without_localtime_the_written_zone_counts(tmp_path: Path) -> None:
    (tmp_path / "timezone").write_text("Asia/Tokyo\n")
    assert system_zone(tmp_path) == "Asia/Tokyo"


@pytest.mark.parametrize("written", ["", "Nowhere/Land", "\xff"])
def test_the_last_resort_is_utc(written: str, tmp_path: Path) -> None:
    (tmp_path / "timezone").write_text(written, encoding="latin-1")
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Nowhere/Land")
    assert system_zone(tmp_path) == "UTC"


def test_a_system_with_other_rules_for_its_zone_says_from_when(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = a_release(tmp_path, "2025b", OLD_VANCOUVER)
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(files.folder),))
    now = datetime(2026, 10, 1, tzinfo=UTC)
    assert release() == "2025b"
    assert difference("UTC", now=now) == ""
    assert difference("Asia/Tokyo", now=now) == ""
    said = difference("America/Vancouver", now=now)
    assert "From 2026-11-01 09:00 UTC on, this system's clock in America/Vancouver (2025b) differs" in said
    assert f"({tzdata_version()})" in said
    assert difference("America/Vancouver", now=datetime(2025, 4, 1, tzinfo=UTC)) == ""
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    assert (release(), difference("America/Vancouver", now=now)) == ("unknown release", "")
