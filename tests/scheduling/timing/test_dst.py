from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.timing import Cron
from scheduling.timing.dst import stretches
from scheduling.timing.zones import zone as zone_named
from tests.scheduling.timing import cron_loop
from tests.scheduling.timing.strategies import night_expressions, zones

DAY = timedelta(days=1)


def engine(expression: str, zone: str, start: datetime, minutes: int) -> list[datetime]:
    last = start + timedelta(minutes=minutes - 1)
    return list(Cron.parse(expression, zone).occurrences(start - timedelta(microseconds=1), last))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), zone=zones, year=st.integers(1975, 2037))
def test_the_engine_agrees_with_cron_s_main_loop_around_clock_changes(
    data: st.DataObject, zone: str, year: int
) -> None:
    changed = cron_loop.changes(zone_named(zone), year) or [datetime(year, 12, 31, tzinfo=UTC)]
    start = data.draw(st.sampled_from(changed)) - DAY
    expression = data.draw(night_expressions)
    simulated = cron_loop.fires(expression, zone_named(zone), start, 4 * 1440)
    assert engine(expression, zone, start, 4 * 1440) == simulated


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Antarctica/Casey", "2009-10-17"),  # 3 hours forward: 181 minutes ahead, nothing is caught up
        ("Antarctica/Casey", "2010-03-04"),  # 3 hours back: 179 behind, fixed-time jobs wait
        ("Antarctica/Casey", "2020-10-03"),  # at 00:01
        ("Antarctica/Troll", "2026-03-29"),
        ("Antarctica/Vostok", "1994-01-31"),  # 7 hours back: start over
        ("America/Scoresbysund", "2024-03-31"),
        ("America/Nuuk", "2025-03-30"),  # the gap ends at midnight
        ("Pacific/Kwajalein", "1993-08-21"),  # a day left out
        ("Asia/Kathmandu", "1985-12-31"),  # a quarter of an hour, at the turn of the year
        ("Africa/Casablanca", "2026-03-22"),
        ("Africa/Sao_Tome", "1883-12-31"),  # an hour back that ends in the new year
        ("America/St_Johns", "2006-10-29"),  # at 00:01, back into the day before
        ("Australia/Lord_Howe", "2026-04-04"),
    ],
)
def test_remarkable_changes_agree_with_cron_s_main_loop(zone: str, day: str) -> None:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC) - DAY
    for expression in (
        "30 2 * * *",
        "0 0 * * *",
        "*/20 * * * *",
        "0-59 0-3 * * *",
        "10 * 1 * 0",
        "59 23 31 * *",
    ):
        simulated = cron_loop.fires(expression, zone_named(zone), start, 4 * 1440)
        assert engine(expression, zone, start, 4 * 1440) == simulated, expression


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Africa/Monrovia", "America/New_York", "Asia/Kolkata"])
def test_local_times_with_seconds_in_their_offset_fire_at_whole_utc_minutes(zone: str) -> None:
    start = datetime(1871, 6, 1, tzinfo=UTC)
    fired = engine("*/15 * * * *", zone, start, 1440)
    assert len(fired) == 96
    for moment in fired:
        assert moment.second == 0
        assert moment.astimezone(zone_named(zone)).minute % 15 == 0


@given(zone=zones, year=st.integers(1850, 2100))
@settings(max_examples=100, deadline=None)
def test_the_stretches_of_a_year_join_without_gap_or_overlap(zone: str, year: int) -> None:
    joined = stretches(zone_named(zone), year)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert epoch + timedelta(minutes=joined[0].begin) == datetime(year, 1, 1, tzinfo=UTC)
    assert epoch + timedelta(minutes=joined[-1].end) == datetime(year + 1, 1, 1, tzinfo=UTC)
    assert all(before.end == after.begin for before, after in pairwise(joined))
    assert all(stretch.begin < stretch.end for stretch in joined)


def test_skipped_minutes_count_with_their_own_date() -> None:
    # Toronto put its clocks forward from 23:30 to 00:30 of the next day.
    start = datetime(1919, 3, 30, tzinfo=UTC)
    gap_end = datetime(1919, 3, 31, 4, 30, tzinfo=UTC)
    assert engine("45 23 30 3 *", "America/Toronto", start, 3 * 1440) == [gap_end]
    assert engine("15 0 31 3 *", "America/Toronto", start, 3 * 1440) == [gap_end]
    assert engine("45 23 31 3 *", "America/Toronto", start, 3 * 1440) == [gap_end + timedelta(minutes=1395)]


@pytest.mark.parametrize("expression", ["*/5 * * * *", "1-59/2 * * * *", "* * * * *", "36 22 * * *"])
@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Asia/Makassar", datetime(1932, 10, 31, 15, tzinfo=UTC)),  # 3 minutes: made up for every job
        (
            "Asia/Tehran",
            datetime(1935, 6, 12, 20, tzinfo=UTC),
        ),  # 5 minutes, 6 ahead: for fixed-time jobs only
    ],
)
def test_gaps_of_a_few_minutes_agree_with_cron_s_main_loop(expression: str, zone: str, start: datetime) -> None:
    assert engine(expression, zone, start, 180) == cron_loop.fires(expression, zone_named(zone), start, 180)


def test_a_gap_of_3_minutes_is_made_up_for_all_jobs_and_one_of_5_for_fixed_time_jobs() -> None:
    # Makassar went from 23:59:36 to 00:03, Tehran from 23:59:44 to 00:05.
    makassar, tehran = datetime(1932, 10, 31, 16, 3, tzinfo=UTC), datetime(1935, 6, 12, 20, 35, tzinfo=UTC)
    assert engine("1 */6 * * *", "Asia/Makassar", makassar, 60) == [makassar]
    assert engine("1 0 * * *", "Asia/Makassar", makassar, 60) == [makassar]
    assert engine("1 */6 * * *", "Asia/Tehran", tehran, 60) == []
    assert engine("1 0 * * *", "Asia/Tehran", tehran, 60) == [tehran]
