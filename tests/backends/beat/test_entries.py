"""Schedules as django-celery-beat rows: their fields, and that every occurrence has a wake-up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from celery.schedules import crontab
from django_celery_beat.models import CrontabSchedule, IntervalSchedule
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.beat.entries import CrontabRow, IntervalRow, Row, rows, text
from scheduling.models import Schedule
from tests.conftest import at
from tests.scheduling.timing.strategies import expressions, moments, night_expressions, zones

NOW = at("2026-11-20 10:31:07")


def rows_of(cron: str, zone: str = "UTC", *, now: datetime = NOW) -> list[Row]:
    return rows(Schedule(pk=7, cron=cron, timezone=zone), now=now)


def rows_every(seconds: int, anchor: datetime = at("2026-11-20 10:31")) -> list[Row]:  # noqa: B008  a constant
    return rows(Schedule(pk=7, every=seconds, anchor=anchor), now=NOW)


def celery_has(row: CrontabRow, moment: datetime) -> bool:
    """Whether Celery's own reading of the row is due in the minute of `moment` (UTC)."""
    read: Any = crontab(row.minute, row.hour, row.day_of_week, row.day_of_month, row.month_of_year)
    return (
        moment.minute in read.minute
        and moment.hour in read.hour
        and moment.day in read.day_of_month
        and moment.month in read.month_of_year
        and moment.isoweekday() % 7 in read.day_of_week
    )


@pytest.mark.parametrize(
    ("cron", "zone", "shown"),
    [
        ("* * * * *", "UTC", ["* * * * * UTC"]),
        ("*/5 * * * *", "UTC", ["*/5 * * * * UTC"]),
        ("0,20,40 * * * *", "UTC", ["*/20 * * * * UTC"]),
        ("*/25 * * * *", "UTC", ["0,25,50 * * * * UTC"]),
        ("0,30 * * * *", "UTC", ["0,30 * * * * UTC"]),
        ("5-59/10 * * * *", "UTC", ["5,15,25,35,45,55 * * * * UTC"]),
        ("0 */6 * * *", "UTC", ["0 */6 * * * UTC"]),
        ("0 9 * * *", "UTC", ["0 9,9 * * * UTC"]),
        ("0 0 * * *", "UTC", ["0 0,0 * * * UTC"]),
        ("0 9 * * 7", "UTC", ["0 9,9 * * 0 UTC"]),
        ("0 9 * * sun", "UTC", ["0 9,9 * * 0 UTC"]),
        ("0 9 1,15 * 5", "UTC", ["0 9,9 1,15 * * UTC", "0 9,9 * * 5 UTC"]),
        ("0 9 */2 * 5", "UTC", ["0 9,9 */2 * 5 UTC"]),
        ("0 9 30 2 5", "UTC", ["0 9,9 * 2 5 UTC"]),
        ("0 9 31 4,6 5", "UTC", ["0 9,9 * 4,6 5 UTC"]),
        ("0 9 30,31 2,3 5", "UTC", ["0 9,9 30,31 2,3 * UTC", "0 9,9 * 2,3 5 UTC"]),
        ("0 9 1 * *", "Europe/Berlin", ["0 7,8 1 * * UTC"]),
        ("30 0 * * 1", "Asia/Kolkata", ["0 19,19 * * 0 UTC"]),
    ],
)
def test_a_cron_expression_as_rows(cron: str, zone: str, shown: list[str]) -> None:
    assert [str(row) for row in rows_of(cron, zone)] == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (1, "every 1 s"),
        (2, "every 1 s"),
        (90, "every 45 s"),
        (3601, "every 60 s"),
        (60, "* * * * * UTC"),
        (300, "1,6,11,16,21,26,31,36,41,46,51,56 * * * * UTC"),
        (86_400, "31 10,10 * * * UTC"),
    ],
)
def test_an_interval_as_a_row(seconds: int, shown: str) -> None:
    assert [str(row) for row in rows_every(seconds)] == [shown]


def test_whole_minutes_from_an_odd_second_are_polled_for() -> None:
    assert rows_every(600, NOW) == [IntervalRow(60)]


def test_the_text_names_the_wake_up_and_its_schedule() -> None:
    assert text(IntervalRow(30), 42) == "every 30 s -> tandem.fire(42)"


@settings(max_examples=150, deadline=None)
@given(cron=st.one_of(expressions, night_expressions), zone=zones, now=moments)
def test_every_occurrence_of_a_cron_expression_is_due_on_celerys_crontab(cron: str, zone: str, now: datetime) -> None:
    made = rows_of(cron, zone, now=now)
    trigger = Schedule(cron=cron, timezone=zone).trigger
    for due_at in islice(trigger.occurrences(now, now + timedelta(days=3650)), 40):
        assert any(isinstance(row, CrontabRow) and celery_has(row, due_at) for row in made), due_at


@settings(max_examples=60, deadline=None)
@given(minutes=st.integers(1, 60 * 24 * 40), anchor=moments)
def test_every_occurrence_of_whole_minutes_is_due_on_celerys_crontab(minutes: int, anchor: datetime) -> None:
    anchor = anchor.replace(second=0, microsecond=0)
    [row] = rows_every(minutes * 60, anchor)
    assert isinstance(row, CrontabRow)
    trigger = Schedule(every=minutes * 60, anchor=anchor).trigger
    for due_at in islice(trigger.occurrences(anchor + timedelta(days=100)), 30):
        assert celery_has(row, due_at)


@settings(max_examples=60, deadline=None)
@given(seconds=st.integers(1, 100_000), second=st.integers(0, 59))
def test_an_interval_of_seconds_is_polled_at_least_once_between_occurrences_and_once_a_minute(
    seconds: int, second: int
) -> None:
    for row in rows_every(seconds, datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)):
        if isinstance(row, IntervalRow):
            assert 1 <= row.every <= min(max(1, seconds / 2), 60)


@settings(max_examples=150, deadline=None)
@given(cron=expressions, zone=zones)
def test_rows_pass_the_validators_of_django_celery_beat(cron: str, zone: str) -> None:
    for row in rows_of(cron, zone):
        assert isinstance(row, CrontabRow)
        CrontabSchedule(
            minute=row.minute,
            hour=row.hour,
            day_of_month=row.day_of_month,
            month_of_year=row.month_of_year,
            day_of_week=row.day_of_week,
            timezone="UTC",
        ).full_clean()


@settings(max_examples=60, deadline=None)
@given(cron=expressions, zone=zones)
def test_hours_are_never_one_plain_number(cron: str, zone: str) -> None:
    assert not [row for row in rows_of(cron, zone) if isinstance(row, CrontabRow) and row.hour.isdecimal()]


def test_interval_rows_pass_the_validators_too() -> None:
    for seconds in (1, 59, 61, 366 * 86_400 - 1):
        [row] = rows_every(seconds)
        assert isinstance(row, IntervalRow)
        IntervalSchedule(every=row.every, period=IntervalSchedule.SECONDS).full_clean()
