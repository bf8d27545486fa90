from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.timing import Cron, Every
from scheduling.timing.field_texts import compact
from scheduling.timing.grammar import HOUR, MINUTE
from scheduling.timing.wake_lines import WakeLine, wake_line
from scheduling.timing.zones import zone as zone_named
from tests.scheduling.timing.cron_loop import Entry, local_clock
from tests.scheduling.timing.strategies import expressions, night_expressions, zones

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
UTC_CLOCK = zone_named("UTC")
clock_zones = st.one_of(st.just("UTC"), st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata"]), zones)
nows = st.datetimes(datetime(2000, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  bounds are naive


def text_of(line: WakeLine) -> str:
    return f"{compact(MINUTE, line.minute)} {compact(HOUR, line.hour)} {line.day} {line.month} {line.weekday}"


def plain(expression: str, zone: str = "UTC", clock: str = "UTC", now: datetime = NOW) -> str:
    return text_of(wake_line(Cron.parse(expression, zone), zone_named(clock), now=now))


def whole_minute(moment: datetime) -> datetime:
    return -((NOW - moment) // timedelta(minutes=1)) * timedelta(minutes=1) + NOW


@pytest.mark.parametrize(
    ("expression", "zone", "clock", "text"),
    [
        ("0-58/2 * * * *", "UTC", "UTC", f"{','.join(map(str, range(0, 60, 2)))} * * * *"),
        ("0 9 * * mon-fri", "Europe/Berlin", "Europe/Berlin", "0 9 * * 1-5"),
        ("0 9 * * 1-5", "Europe/Berlin", "UTC", "0 7,8 * * 1-5"),
        ("0 9 1 * *", "Asia/Kolkata", "UTC", "30 3 1 * *"),
        ("0 0 1 7 *", "Europe/Berlin", "UTC", "0 22 * * *"),
        ("0 1 * * 1", "Europe/Berlin", "UTC", "0 0,23 * * 0,1"),
        ("0 0 13 * 5", "UTC", "UTC", "0 0 13 * 5"),
        ("0 0 1-31 * 5", "UTC", "UTC", "0 0 * * *"),
        ("0 0 */2 * mon,7", "UTC", "UTC", "0 0 */2 * 0,1"),
        ("0 0 */40 * 5-7", "UTC", "UTC", "0 0 */31 * 0,5,6"),
        ("0 0 */2,4 * *", "UTC", "UTC", "0 0 1,3-5,7,9,11,13,15,17,19,21,23,25,27,29,31 * *"),
        ("0 0 */20,4 * 1", "UTC", "UTC", "0 0 */20,4 * 1"),
        ("0 0 1 jan,feb,MAR *", "UTC", "UTC", "0 0 1 1-3 *"),
        ("30 2 * * *", "Europe/Berlin", "Europe/Berlin", "0,30 2,3 * * *"),
    ],
)
def test_the_line_is_as_tight_as_its_clock_allows(expression: str, zone: str, clock: str, text: str) -> None:
    assert plain(expression, zone, clock) == text


def occurrences_of_ten_years(trigger: Cron | Every, now: datetime, skip: int) -> list[datetime]:
    """Some at once, some later, some at each clock change of the trigger's zone: there are millions."""
    end = now + timedelta(days=3652)
    starts = [now, now + timedelta(days=skip)]
    if isinstance(trigger, Cron):
        days = [now + timedelta(days=day) for day in range(3651)]
        offsets = [day.astimezone(trigger.zone).utcoffset() for day in days]
        starts += [days[i] for i in range(3650) if offsets[i] != offsets[i + 1]]
    return [moment for start in starts for moment in islice(trigger.occurrences(start, end), 60)]


@settings(max_examples=60, deadline=None)
@given(
    expression=st.one_of(expressions, night_expressions),
    zone=clock_zones,
    clock=clock_zones,
    now=nows,
    skip=st.integers(0, 3650),
)
def test_each_occurrence_of_a_cron_is_a_wake(expression: str, zone: str, clock: str, now: datetime, skip: int) -> None:
    cron, clock_zone = Cron.parse(expression, zone), zone_named(clock)
    line = wake_line(cron, clock_zone, now=now)
    woken = Entry(text_of(line))
    for moment in occurrences_of_ten_years(cron, now, skip):
        assert woken.matches(local_clock(moment, clock_zone)), moment


@settings(max_examples=60, deadline=None)
@given(seconds=st.integers(1, 10**7), anchor=nows, clock=clock_zones, now=nows, skip=st.integers(0, 3650))
def test_each_occurrence_of_an_interval_is_before_a_wake_by_less_than_a_minute(
    seconds: int, anchor: datetime, clock: str, now: datetime, skip: int
) -> None:
    every, clock_zone = Every(seconds, anchor.replace(microsecond=0)), zone_named(clock)
    line = wake_line(every, clock_zone, now=now)
    woken = Entry(text_of(line))
    for moment in occurrences_of_ten_years(every, now, skip):
        assert woken.matches(local_clock(whole_minute(moment), clock_zone)), moment


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "* * * * *"),
        (59, "* * * * *"),
        (60, "* * * * *"),
        (300, "1,6,11,16,21,26,31,36,41,46,51,56 * * * *"),
        (86_400, "1 10 * * *"),
        (7 * 86_400, "1 10 * * *"),
    ],
)
def test_intervals_wake_after_the_second_at_which_they_are_due(seconds: int, text: str) -> None:
    every = Every(seconds, datetime(2026, 11, 20, 10, 0, 30, tzinfo=UTC))
    assert text_of(wake_line(every, UTC_CLOCK, now=NOW)) == text


def test_a_run_that_a_gap_moved_to_the_next_date_is_a_wake() -> None:
    # Toronto put its clocks forward from 23:30 to 00:30 of the next day.
    toronto, before = zone_named("America/Toronto"), datetime(1918, 11, 1, tzinfo=UTC)
    cron = Cron.parse("45 23 30 3 *", "America/Toronto")
    moved = cron.next(before)
    assert moved == datetime(1919, 3, 31, 4, 30, tzinfo=UTC)
    text = text_of(wake_line(cron, toronto, now=before))
    assert Entry(text).matches(local_clock(moved, toronto))


def test_the_horizon_may_reach_beyond_the_calendar() -> None:
    late = datetime(9998, 1, 1, tzinfo=UTC)
    assert plain("0 9 * * *", "Asia/Tokyo", "UTC", now=late) == "0 0 * * *"


@pytest.mark.parametrize(
    ("zone_name", "line"),
    [("UTC", "30 12 31 5 */7"), ("Europe/Berlin", "30 10,11 31 5 */7"), ("Asia/Kathmandu", "45 6 31 5 */7")],
)
def test_what_is_not_due_for_ten_years_still_has_a_line(zone_name: str, line: str) -> None:
    cron = Cron.parse("30 12 31 5 */7", zone_name)
    following = cron.next(NOW)
    assert following is not None
    assert following.year == 2037
    assert plain("30 12 31 5 */7", zone_name) == line
