"""Which lines of a table are due at which minutes."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from backends.crontab import installation
from backends.crontab.block import splice
from backends.crontab.runner.minutes import Minutes, due_schedules
from backends.crontab.targets import FileTarget
from scheduling.entry import Entry
from tests.conftest import at

EVERY_MINUTE = Entry(1, "* * * * * x fire 1")
AT_NINE = Entry(2, "0 9 * * * x fire 2")


@pytest.mark.parametrize(
    ("after", "until", "expected"),
    [
        ("2026-11-20 08:58", "2026-11-20 08:59", [1]),
        ("2026-11-20 08:59", "2026-11-20 09:00", [1, 2]),
        ("2026-11-20 09:00", "2026-11-20 09:01", [1]),
        ("2026-11-20 08:00", "2026-11-20 09:30", [1, 2]),
        ("2026-11-20 09:00", "2026-11-20 09:00", []),
        ("2026-11-19 08:00", "2026-11-20 08:00", [1]),
    ],
    ids=["before", "at", "after", "slept over it", "no time passed", "slept too long"],
)
def test_a_line_is_due_once_for_all_minutes_that_passed(after: str, until: str, expected: list[int]) -> None:
    assert due_schedules([EVERY_MINUTE, AT_NINE], after=at(after), until=at(until)) == expected


def test_lines_that_are_not_ours_or_not_cron_are_never_due() -> None:
    strange = [Entry(0, "* * * * * rm -rf /"), Entry(3, "99 * * * * x fire 3"), Entry(4, "x fire 4")]
    assert due_schedules(strange, after=at("2026-11-20 08:00"), until=at("2026-11-20 09:00")) == []


def test_two_lines_of_a_schedule_wake_it_once() -> None:
    twice = [EVERY_MINUTE, Entry(1, "*/2 * * * * x fire 1")]
    assert due_schedules(twice, after=at("2026-11-20 08:00"), until=at("2026-11-20 08:02")) == [1]


def a_table(path: Path, *lines: str, foreign: bytes = b"") -> FileTarget:
    path.write_bytes(splice(foreign, "".join(line + "\n" for line in lines).encode(), installation.owner()))
    return FileTarget(path)


def test_each_minute_is_looked_at_once(tmp_path: Path) -> None:
    minutes = Minutes(a_table(tmp_path / "tab", EVERY_MINUTE.text), at("2026-11-20 08:00:30"))
    seen = {}
    for second in range(150):
        now = at("2026-11-20 08:00:30") + timedelta(seconds=second)
        if minutes.step(now):
            seen[now] = True
    assert list(seen) == [at("2026-11-20 08:01"), at("2026-11-20 08:02")]


def test_minutes_before_the_first_step_are_looked_at_as_well(tmp_path: Path) -> None:
    minutes = Minutes(a_table(tmp_path / "tab", AT_NINE.text), at("2026-11-20 08:57:30"))
    assert minutes.step(at("2026-11-20 09:02:30")) == [2]
    assert minutes.step(at("2026-11-20 09:03:30")) == []


def test_a_clock_put_back_a_little_repeats_nothing_and_a_lot_starts_over(tmp_path: Path) -> None:
    minutes = Minutes(a_table(tmp_path / "tab", EVERY_MINUTE.text), at("2026-11-20 08:00"))
    assert minutes.step(at("2026-11-20 08:01")) == [1]
    assert minutes.step(at("2026-11-20 07:59")) == []
    assert minutes.step(at("2026-11-20 08:01")) == []
    assert minutes.step(at("2026-11-20 04:00")) == []
    assert minutes.step(at("2026-11-20 04:01")) == [1]


def test_lines_of_others_are_not_run_and_that_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    target = a_table(tmp_path / "tab", EVERY_MINUTE.text, foreign=b"# note\n* * * * * echo 1\n")
    minutes = Minutes(target, at("2026-11-20 08:00"))
    with caplog.at_level(logging.WARNING):
        assert minutes.step(at("2026-11-20 08:01")) == [1]
        assert minutes.step(at("2026-11-20 08:02")) == [1]
    assert len(caplog.records) == 1
    assert "1 lines" in caplog.text


def test_an_unreadable_table_runs_nothing_and_says_why_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tab").mkdir()
    minutes = Minutes(FileTarget(tmp_path / "tab"), at("2026-11-20 08:00"))
    with caplog.at_level(logging.WARNING):
        assert minutes.step(at("2026-11-20 08:01")) == []
        assert minutes.step(at("2026-11-20 08:02")) == []
    assert caplog.text.count("cannot be read") == 1


def test_a_table_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    minutes = Minutes(FileTarget(tmp_path / "tab"), at("2026-11-20 08:00"))
    assert minutes.step(at("2026-11-20 08:01")) == []
