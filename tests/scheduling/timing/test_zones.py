from __future__ import annotations

import os
import re
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib import import_module, resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from scheduling.errors import InvalidTrigger
from scheduling.timing import Cron, clock_zone, known_zones, tzdata_version, zone
from scheduling.timing.dst import first_difference
from scheduling.timing.instants import minute_of
from scheduling.timing.zones import PINNED, ZoneFiles
from tests.scheduling.timing.releases import a_release

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def test_every_known_zone_can_be_had_by_its_name() -> None:
    assert {"UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5"} <= known_zones()
    assert all(zone(name).key == name for name in known_zones())


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            " ",
            "localtime",
            "posixrules",
            "posix/UTC",
            "right/UTC",
            "../UTC",
            "/etc/localtime",
            "UTC\0",
            "UTC\n",
        ),
        *("europe/berlin", "Europe/", "Europe", "+02:00", "CEST", "UTC+2", "tzdata.zi", "Z" * 1_000_000),
    ],
)
def test_what_is_not_exactly_an_iana_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        zone(name)
    assert refused.value.field == "zone"
    assert refused.value.detail.isprintable()
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize("name", [None, 1, b"UTC", ["UTC"], ZoneInfo("UTC")])
def test_a_name_is_text(name: object) -> None:
    with pytest.raises(InvalidTrigger, match="zone: a name"):
        zone(name)


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
    ],
)
def test_a_close_name_is_suggested(name: str, close: str) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        zone(name)
    assert refused.value.instead == close


@pytest.mark.parametrize("name", [None, "localtime", "Mars/Olympus"])
def test_a_zone_object_must_have_a_known_name(name: str | None) -> None:
    with (resources.files("tzdata.zoneinfo") / "UTC").open("rb") as data:
        unknown = ZoneInfo.from_file(data, key=name)
    with pytest.raises(InvalidTrigger):
        Cron.parse("* * * * *", unknown)


def test_a_zone_object_with_a_known_name_is_taken() -> None:
    assert Cron.parse("* * * * *", ZoneInfo("Asia/Tokyo")).zone.key == "Asia/Tokyo"


def test_the_release_in_use_is_that_of_the_package() -> None:
    assert tzdata_version() == import_module("tzdata").IANA_VERSION
    assert re.fullmatch(r"20\d\d[a-z]", tzdata_version())


def test_triggers_use_the_package_and_the_clock_of_the_system_its_own_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    system = a_release(tmp_path, "2025b", {"America/Vancouver": "America/Los_Angeles"})
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path / "none"), str(system.folder)))
    assert datetime(2026, 12, 1, tzinfo=zone("America/Vancouver")).utcoffset() == timedelta(hours=-7)
    assert datetime(2026, 12, 1, tzinfo=clock_zone("America/Vancouver")).utcoffset() == timedelta(hours=-8)
    assert Cron.parse("* * * * *", clock_zone("America/Vancouver")).zone is zone("America/Vancouver")


def test_a_clock_has_the_rules_of_the_package_where_the_system_has_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    system = a_release(tmp_path, "2025b", {"UTC": "UTC"})
    (system.folder / "Europe" / "Berlin").parent.mkdir()
    (system.folder / "Europe" / "Berlin").write_bytes(b"no zone")
    (system.folder / "Europe" / "Paris").write_bytes((PINNED.folder / "Europe" / "Paris").read_bytes()[:500])
    for folders in ((), (str(system.folder),)):
        monkeypatch.setattr(zoneinfo, "TZPATH", folders)
        assert clock_zone("Asia/Tokyo") is zone("Asia/Tokyo")
        assert clock_zone("Europe/Berlin") is zone("Europe/Berlin")
        assert clock_zone("Europe/Paris") is zone("Europe/Paris")


def test_a_system_that_is_upgraded_is_read_again(tmp_path: Path) -> None:
    files = a_release(tmp_path, "2025b", {"America/Vancouver": "America/Los_Angeles"})
    before = files.zone("America/Vancouver")
    assert files.zone("America/Vancouver") is before
    a_release(tmp_path, "2026f", {"America/Vancouver": "America/Phoenix"})
    os.utime(files.folder / "America" / "Vancouver", ns=(1, 1))
    after = files.zone("America/Vancouver")
    assert before
    assert after
    assert before != after
    assert files.release == "2026f"
    first = first_difference(before, after, start=minute_of(DECEMBER), end=minute_of(DECEMBER) + 1_000_000)
    assert first == minute_of(DECEMBER)
    assert first_difference(before, before, start=0, end=minute_of(DECEMBER)) is None


@pytest.mark.parametrize(
    ("name", "line", "release"),
    [
        ("tzdata.zi", "# version 2025b\n", "2025b"),
        ("+VERSION", "2025b\n", "2025b"),
        ("tzdata.zi", "", "unknown release"),
        ("leapseconds", "# 2025b\n", "unknown release"),
    ],
)
def test_the_release_of_a_folder_is_read_from_its_file(tmp_path: Path, name: str, line: str, release: str) -> None:
    (tmp_path / name).write_text(line)
    assert ZoneFiles(tmp_path).release == release
