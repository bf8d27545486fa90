"""The crontab lines of schedules."""

from __future__ import annotations

import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.crontab import lines
from backends.crontab.entries import line_of
from scheduling.models import Schedule
from scheduling.timing import Cron, clock_zone
from tests.conftest import at
from tests.scheduling.timing.releases import OLD_VANCOUVER, a_release

NOW = at("2026-11-20 10:00")


def a_draft(cron: str, zone: str = "UTC") -> Schedule:
    return Schedule(pk=1, name="name", cron=cron, timezone=zone, anchor=NOW)


@pytest.mark.parametrize("cron", ["*/5 * * * *", "0 9 * * 1-5", "30 4 1,15 * 5", "0 0 1 1 *"])
def test_on_a_clock_of_its_own_zone_without_changes_a_line_is_the_expression(cron: str) -> None:
    assert line_of(a_draft(cron), zone_name="UTC", now=NOW).expression == cron


def test_the_comment_has_name_and_words() -> None:
    line = line_of(a_draft("0 9 * * 1-5"), zone_name="UTC", now=NOW)
    assert line.comment.startswith("name: ")
    assert "09:00" in line.comment


def test_a_line_is_for_the_clock_of_the_system_by_its_own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(a_release(tmp_path, "2025b", OLD_VANCOUVER).folder),))
    schedule = a_draft("0 9 * * *", "America/Vancouver")
    line = line_of(schedule, zone_name="America/Vancouver", now=NOW)
    wakes = replace(Cron.parse(line.expression), zone=clock_zone("America/Vancouver"))
    until = datetime(2027, 5, 1, tzinfo=UTC)
    # In winter this system's clock shows 8:00 when it is 9:00 by the package.
    assert set(schedule.trigger.occurrences(NOW, until)) <= set(wakes.occurrences(NOW, until))


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(st.integers(0, 59), st.integers(0, 23), st.sampled_from(["*", "1-31", "*/7", "13"]), st.integers(0, 7)),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"]),
    st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_what_stands_in_the_table_wakes_us_for_every_occurrence(
    fields: tuple[int, int, str, int], zone: str, clock: str
) -> None:
    minute, hour, day, weekday = fields
    schedule = a_draft(f"{minute} {hour} {day} * {weekday}", zone)
    line = line_of(schedule, zone_name=clock, now=NOW)
    [found] = lines.read(lines.render([line], command="/x", zone=clock))
    wakes = Cron.parse(lines.expression_of(found), clock)
    for occurrence in schedule.trigger.occurrences(NOW, datetime(2027, 5, 1, tzinfo=UTC)):
        assert (
            next(wakes.occurrences(occurrence.replace(second=0) - (at("2026-01-01 00:01") - at("2026-01-01 00:00"))))
            == occurrence
        )
