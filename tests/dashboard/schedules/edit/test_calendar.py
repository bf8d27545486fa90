"""The coming weeks as a calendar, in the zone of the schedule."""

from __future__ import annotations

from datetime import date

import pytest

from dashboard.schedules.edit.calendar import WEEKS, weeks
from tests.conftest import a_schedule, at

NOW = at("2026-11-18 10:00")


@pytest.mark.django_db
def test_days_count_the_runs_that_are_still_to_come() -> None:
    schedule = a_schedule(now=NOW, cron="0 9,15 * * 1-5", timezone="Europe/Berlin")
    days = [day for week in weeks(schedule, now=NOW) for day in week]
    assert (len(days), days[0].date) == (7 * WEEKS, date(2026, 11, 16))
    found = {day.date.day: (day.runs, day.past, day.today) for day in days[:7]}
    assert found == {
        16: (0, True, False), 17: (0, True, False), 18: (1, False, True), 19: (2, False, False),
        20: (2, False, False), 21: (0, False, False), 22: (0, False, False),
    }  # fmt: skip
    assert [day.date.day for day in days if day.begins_month] == [16, 1]


@pytest.mark.django_db
def test_a_day_of_another_zone_begins_at_its_own_midnight() -> None:
    schedule = a_schedule(now=NOW, cron="30 0 * * *", timezone="Pacific/Auckland")
    days = [day for week in weeks(schedule, now=NOW) for day in week]
    assert next(day.date for day in days if day.runs) == date(2026, 11, 19)
    assert all(day.runs == 1 for day in days if day.date >= date(2026, 11, 19))


@pytest.mark.django_db
def test_a_paused_schedule_has_no_runs() -> None:
    schedule = a_schedule(now=NOW, paused=True)
    assert not any(day.runs for week in weeks(schedule, now=NOW) for day in week)
