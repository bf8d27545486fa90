from __future__ import annotations

import re
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from scheduling.errors import InvalidTrigger
from scheduling.timing import Cron, known_zones, tzdata_version, zone


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


def test_the_tz_database_in_use_is_named_with_its_source() -> None:
    assert re.fullmatch(r"(20\d\d[a-z]|20\d\d\.\d+|unknown release) \((system|tzdata package)\)", tzdata_version())
