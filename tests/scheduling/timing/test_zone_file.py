from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from io import BytesIO
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduling.timing import known_zones, zone
from scheduling.timing.instants import EPOCH_ORDINAL, FIRST_MINUTE, LAST_MINUTE, MINUTES_A_DAY, instant
from scheduling.timing.yearly_changes import yearly_changes
from scheduling.timing.zone_file import read_offsets
from scheduling.timing.zones import PINNED
from tests.scheduling.timing.zone_bytes import zone_bytes

WEEKS = 9


def minute_of_year(year: int) -> int:
    return (date(year, 1, 1).toordinal() - EPOCH_ORDINAL) * MINUTES_A_DAY


def probe(of: tzinfo, minute: int) -> int:
    """What zoneinfo says: minutes ahead of UTC, rounded down."""
    offset = instant(minute).astimezone(of).utcoffset()
    assert offset is not None
    return (offset.days * 86400 + offset.seconds) // 60


def distinct_zones() -> Iterator[str]:
    """One name for each set of rules in the package: many zones are other names of one."""
    return iter({(PINNED.folder / name).read_bytes(): name for name in sorted(known_zones())}.values())


def differences(of: ZoneInfo, data: bytes, begin: int, end: int) -> list[int]:
    """The minutes at which zoneinfo and the table differ: at each change, a minute before it, and between changes."""
    found = []
    for (minute, offset), (following, _) in pairwise([*read_offsets(data).between(begin, end), (end, 0)]):
        looks = range(minute, following, WEEKS * 7 * MINUTES_A_DAY)
        found += [look for look in (*looks, following - 1) if probe(of, look) != offset]
    return found


def test_every_zone_changes_its_clocks_when_zoneinfo_says_so() -> None:
    begin, end = minute_of_year(1970), minute_of_year(2101)
    for name in distinct_zones():
        assert differences(zone(name), (PINNED.folder / name).read_bytes(), begin, end) == [], name


@pytest.mark.parametrize("name", ["Europe/Amsterdam", "Africa/Monrovia", "Africa/Freetown", "America/St_Johns", "UTC"])
def test_all_years_are_known(name: str) -> None:
    # datetime cannot hold the local times of the first and the last day in all zones.
    begin, end = FIRST_MINUTE + MINUTES_A_DAY, LAST_MINUTE - MINUTES_A_DAY
    offsets = read_offsets((PINNED.folder / name).read_bytes())
    assert [
        minute for minute, offset in offsets.between(begin, end)[-2000:] if probe(zone(name), minute) != offset
    ] == []
    assert offsets.between(FIRST_MINUTE, FIRST_MINUTE + 1) == [(FIRST_MINUTE, probe(zone(name), begin))]


times = st.one_of(st.just(""), st.integers(-167, 167).map(lambda hour: f"/{hour}"), st.just("/2:30"))
days = st.one_of(
    st.builds("M{}.{}.{}".format, st.integers(1, 12), st.integers(1, 5), st.integers(0, 6)),
    # zoneinfo adds a leap year's day from J59 on, POSIX from J60 on: for 28 February, see the next test.
    st.integers(1, 365).filter(lambda day: day != 59).map("J{}".format),
)
clocks = st.sampled_from(["CET-1CEST", "<-03>3<-02>", "IST-1GMT0", "<+1030>-10:30<+11>-11", "EST5EDT"])


@given(clock=clocks, begin=st.tuples(days, times), end=st.tuples(days, times), year=st.integers(1971, 2400))
@settings(max_examples=150, deadline=None)
def test_a_rule_means_what_zoneinfo_reads_in_it(
    clock: str, begin: tuple[str, str], end: tuple[str, str], year: int
) -> None:
    data = zone_bytes(",".join([clock, "".join(begin), "".join(end)]))
    rule = yearly_changes(data.split(b"\n")[-2].decode())
    assert rule is not None
    [(first, _), (second, _)] = rule.in_year(year)
    new_year, next_year = minute_of_year(year) * 60, minute_of_year(year + 1) * 60
    # zoneinfo works out each year by itself: of the local time, and with the order that the two changes have in it.
    # So a change near to the ends of a year, or near to the other one, may belong to another year.
    near = timedelta(days=10).total_seconds()
    assume(new_year + near < first < second - near < next_year - 2 * near)
    of = ZoneInfo.from_file(BytesIO(data), key="Test/Zone")
    assert differences(of, data, new_year // 60 + 1, next_year // 60) == []


@pytest.mark.parametrize(
    ("day", "year", "meant"),
    [
        ("J59", 2028, "2028-02-28"),
        ("J60", 2028, "2028-03-01"),
        ("J60", 2027, "2027-03-01"),
        ("J365", 2028, "2028-12-31"),
        # POSIX counts these from 0, and 29 February with them. zoneinfo counts from 1: no zone of the package has one.
        ("0", 2027, "2027-01-01"),
        ("59", 2028, "2028-02-29"),
        ("59", 2027, "2027-03-01"),
        ("M2.5.2", 2028, "2028-02-29"),
        ("M2.5.2", 2027, "2027-02-23"),
        ("M12.5.5", 2027, "2027-12-31"),
    ],
)
def test_a_day_of_a_rule_is_as_posix_has_it(day: str, year: int, meant: str) -> None:
    rule = yearly_changes(f"GMT0BST,{day}/0,J200")
    assert rule is not None
    assert meant in {f"{instant(at // 60):%Y-%m-%d}" for at, _ in rule.in_year(year)}


def test_the_rule_begins_after_the_last_change_that_is_listed() -> None:
    winter, summer = 3600, 7200
    listed = [(int(datetime.fromisoformat("2026-03-29T01:00+00:00").timestamp()), summer)]
    offsets = read_offsets(zone_bytes("CET-1CEST,M3.5.0,M10.5.0/3", listed, first=winter))
    found = offsets.between(minute_of_year(2025), minute_of_year(2027))
    assert [(f"{instant(minute):%Y-%m-%d %H:%M}", offset) for minute, offset in found] == [
        ("2025-01-01 00:00", 60),
        ("2026-03-29 01:00", 120),
        ("2026-10-25 01:00", 60),
    ]
    assert offsets.between(minute_of_year(2026) + 200_000, minute_of_year(2026) + 200_001)[0][1] == 120


def test_a_file_of_the_first_version_has_4_bytes_for_a_time() -> None:
    offsets = read_offsets(zone_bytes("", [(600, 7200), (1200, -5430)], version=b"\0"))
    assert offsets.between(0, 100) == [(0, 0), (10, 120), (20, -91)]


def test_a_change_within_a_minute_counts_from_the_next_one() -> None:
    offsets = read_offsets(zone_bytes("", [(601, 3600), (659, 7200)]))
    assert offsets.between(0, 100) == [(0, 0), (11, 120)]
    assert offsets.between(11, 100) == [(11, 120)]


@pytest.mark.parametrize("length", [0, 3, 43, 44, 80, 115, 125, 130])
def test_what_is_no_whole_zone_file_is_refused(length: int) -> None:
    whole = zone_bytes("", [(600, 7200), (1200, 0)])
    with pytest.raises(ValueError, match="zone file"):
        read_offsets(whole[:length])
    with pytest.raises(ValueError, match="TZif"):
        read_offsets(b"TZiG" + whole[4:])


@pytest.mark.parametrize("rule", ["CET", "CET-1CEST", "-1", "CET-1CEST,M3.5.0", "CET-1CEST,M3.6.0,M10.5.0", "C-1"])
def test_a_text_that_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="is not a POSIX TZ text"):
        yearly_changes(rule)


def test_a_zone_without_summer_time_has_no_rule() -> None:
    assert yearly_changes("<+0545>-5:45") is None
