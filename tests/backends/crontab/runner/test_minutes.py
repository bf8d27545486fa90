"""Which lines of a table are due at which minutes."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from backends.crontab import installation
from backends.crontab.block import splice
from backends.crontab.runner.minutes import Minutes, any_due
from backends.crontab.targets import FileTarget
from scheduling.entry import Entry
from tests.conftest import at

COMMAND = "/srv/tandem-cron"
EVERY_MINUTE = Entry(f"* * * * * {COMMAND} due")
AT_NINE = Entry(f"0 9 * * * {COMMAND} due")


@pytest.mark.parametrize(
    ("after", "until", "expected"),
    [
        ("2026-11-20 08:58", "2026-11-20 08:59", False),
        ("2026-11-20 08:59", "2026-11-20 09:00", True),
        ("2026-11-20 09:00", "2026-11-20 09:01", False),
        ("2026-11-20 08:00", "2026-11-20 09:30", True),
        ("2026-11-20 09:00", "2026-11-20 09:00", False),
        ("2026-11-20 08:00", "2026-11-20 23:00", False),
    ],
    ids=["before", "at", "after", "slept over it", "no time passed", "slept too long"],
)
def test_a_line_is_due_for_all_minutes_that_passed(after: str, until: str, *, expected: bool) -> None:
    assert any_due([AT_NINE], after=at(after), until=at(until)) is expected


def test_lines_that_are_not_cron_are_never_due() -> None:
    strange = [Entry(f"99 * * * * {COMMAND} due"), Entry(f"{COMMAND} due"), Entry("")]
    assert not any_due(strange, after=at("2026-11-20 08:00"), until=at("2026-11-20 09:00"))


def a_table(path: Path, *lines: str, foreign: bytes = b"") -> FileTarget:
    target = FileTarget(path)
    path.write_bytes(splice(foreign, "".join(line + "\n" for line in lines).encode(), installation.owner(target)))
    return target


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
    assert minutes.step(at("2026-11-20 09:02:30")) is True
    assert minutes.step(at("2026-11-20 09:03:30")) is False


def test_a_clock_put_back_a_little_repeats_nothing_and_a_lot_starts_over(tmp_path: Path) -> None:
    minutes = Minutes(a_table(tmp_path / "tab", EVERY_MINUTE.text), at("2026-11-20 08:00"))
    assert minutes.step(at("2026-11-20 08:01")) is True
    assert minutes.step(at("2026-11-20 07:59")) is False
    assert minutes.step(at("2026-11-20 08:01")) is False
    assert minutes.step(at("2026-11-20 04:00")) is False
    assert minutes.step(at("2026-11-20 04:01")) is True


def test_lines_of_others_are_not_run_and_that_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    target = a_table(tmp_path / "tab", EVERY_MINUTE.text, foreign=b"# note\n* * * * * echo 1\n")
    minutes = Minutes(target, at("2026-11-20 08:00"))
    with caplog.at_level(logging.WARNING):
        assert minutes.step(at("2026-11-20 08:01")) is True
        assert minutes.step(at("2026-11-20 08:02")) is True
    assert len(caplog.records) == 1
    assert "1 lines" in caplog.text


def test_an_unreadable_table_runs_nothing_and_says_why_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tab").mkdir()
    minutes = Minutes(FileTarget(tmp_path / "tab"), at("2026-11-20 08:00"))
    with caplog.at_level(logging.WARNING):
        assert minutes.step(at("2026-11-20 08:01")) is False
        assert minutes.step(at("2026-11-20 08:02")) is False
    assert caplog.text.count("cannot be read") == 1


def test_a_table_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    minutes = Minutes(FileTarget(tmp_path / "tab"), at("2026-11-20 08:00"))
    assert minutes.step(at("2026-11-20 08:01")) is False
