"""Warnings about a trigger: their codes, and their words if these contain numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.timing.warnings import warnings_of

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def codes(expression: str, zone: str = "UTC") -> list[str]:
    return [one.code for one in warnings_of(Cron.parse(expression, zone), now=NOW)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 9 * * 1-5", []),
        ("*/15 * * * *", []),
        ("0 */6 * * *", []),
        ("0 9-17/3 * * *", []),
        ("0 0 13 * 5", ["either_day"]),
        ("0 0 1-31 * 5", ["either_day"]),
        ("0 0 13 * */2", ["uneven_step"]),
        ("0 0 */2 * 1", ["uneven_step", "not_every_month"]),
        ("*/40 * * * *", ["uneven_step"]),
        ("0-59/7 * * * *", ["uneven_step"]),
        ("*/90 * * * *", ["uneven_step"]),
        ("0 */5 * * *", ["uneven_step"]),
        ("0 0 1 */5 *", ["uneven_step"]),
        ("0 0 31 * *", ["not_every_month"]),
        ("0 0 1,30 * *", ["not_every_month"]),
        ("0 0 29 2 *", ["not_every_month"]),
        ("0 0 31 1 *", []),
        ("0 0 31 1,3,5 *", []),
        ("0 0 20-31 * *", []),
        ("0 0 1-31 * *", []),
        ("* * * * *", ["very_frequent"]),
        ("*/2 * * * *", ["very_frequent"]),
        ("*/5 * * * *", []),
    ],
)
def test_each_warning_has_its_cause(expression: str, expected: list[str]) -> None:
    assert codes(expression) == expected


def test_the_warning_about_clock_changes_names_the_dates() -> None:
    [warning] = warnings_of(Cron.parse("30 2 * * *", "Europe/Berlin"), now=NOW)
    assert warning.code == "clock_change"
    assert [str(change.day) for change in warning.clock_changes] == ["2027-03-28", "2027-10-31"]
    assert "2027-03-28 skips 02:00 to 03:00, and the run in it will happen once, at 03:00" in warning.detail
    assert "2027-10-31 shows 02:00 to 03:00 twice, and the run in it will happen the first time only" in warning.detail


def test_an_uneven_step_is_told_by_what_it_allows() -> None:
    [warning] = warnings_of(Cron.parse("*/25 * * * *"), now=NOW)
    assert "not every 25 minutes: it starts again each hour. The field allows 0, 25, 50." in warning.detail


def test_months_without_the_day_are_named() -> None:
    [warning] = warnings_of(Cron.parse("0 0 30 1-4 *"), now=NOW)
    assert "February" in warning.detail
    assert "April" not in warning.detail


@pytest.mark.parametrize(
    ("seconds", "second", "expected"),
    [
        (30, 0, ["sub_minute", "very_frequent"]), (90, 0, ["sub_minute", "very_frequent"]), (60, 0, ["very_frequent"]),
        (60, 5, ["sub_minute", "very_frequent"]), (150, 0, ["sub_minute"]), (600, 0, []), (600, 1, ["sub_minute"]),
    ],
)  # fmt: skip
def test_an_interval_finer_than_minutes_is_told_that_crontab_cannot_hold_it(
    seconds: int, second: int, expected: list[str]
) -> None:
    found = warnings_of(Every(seconds, NOW.replace(second=second)), now=NOW)
    assert [one.code for one in found] == expected
