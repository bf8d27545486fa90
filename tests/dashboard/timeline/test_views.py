"""The timeline: lanes for few schedules, a heat map for many, with the same number of statements."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.timeline.heat import SHADES, heat
from dashboard.timeline.lanes import MOST, MOST_LINKS, MOST_RUNS, lanes
from dashboard.timeline.window import window
from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import LatenessBucket, Schedule, Task
from tests.conftest import a_schedule, at

NOW = at("2026-11-20 12:00")
SHOWN = window(QueryDict(), NOW)


def runs(schedule: Schedule, *statuses: Status, late: timedelta = timedelta(0)) -> list[Task]:
    """A task of the schedule for each status, a minute apart, the last one an hour ago."""
    first = NOW - timedelta(hours=1, minutes=len(statuses))
    dues = [first + timedelta(minutes=number) for number in range(len(statuses))]
    made = [
        Task(
            schedule=schedule, name=schedule.name, job=schedule.job, woken_by="beat", executor="worker", status=status,
            due_at=due, started_at=due + late, finished_at=due + late + timedelta(seconds=30),
        )
        for due, status in zip(dues, statuses, strict=True)
    ]  # fmt: skip
    return ledger.record(made, NOW)


@pytest.mark.django_db
def test_a_lane_has_what_was_planned_what_ran_how_long_and_how_late() -> None:
    schedule = a_schedule(now=NOW, cron="0 * * * *")
    ended = runs(schedule, Status.COMPLETED, Status.FAILED, Status.MISSED, late=timedelta(minutes=5))
    (lane,) = lanes([schedule], SHOWN, tasks=Task.objects.all(), now=NOW)
    assert (lane.planned, lane.runs, lane.troubles) == (11, 3, 2)
    assert (lane.lasted, lane.latest) == (timedelta(seconds=30), timedelta(minutes=5))
    assert [(mark.run.task, mark.word, mark.hollow) for mark in lane.marks] == [
        (ended[1].pk, "Failed", False), (ended[2].pk, "Missed", True),
    ]  # fmt: skip
    paths = dict(lane.paths)
    assert paths["plan"].count("M") == 11
    assert {"mark-good", "late"} <= paths.keys()


@pytest.mark.django_db
def test_a_lane_of_very_many_runs_is_bounded_and_says_where_it_begins() -> None:
    schedule = a_schedule(now=NOW)
    runs(schedule, *[Status.FAILED] * (MOST_RUNS + 20))
    (lane,) = lanes([schedule], SHOWN, tasks=Task.objects.all(), now=NOW)
    assert (lane.runs, len(lane.marks)) == (MOST_RUNS, MOST_LINKS)
    assert lane.cut_x == SHOWN.x(NOW - timedelta(hours=1, minutes=MOST_RUNS))


@pytest.mark.django_db
def test_a_heat_map_counts_what_is_due_what_started_and_what_failed() -> None:
    for number in range(3):
        a_schedule(now=NOW, name=f"hourly {number}", cron="0 * * * *")
    a_schedule(now=NOW, every=7200, starts_at=at("2026-11-20 01:30"))
    failing = a_schedule(now=NOW, cron="0 0 1 1 *")
    runs(failing, Status.FAILED)
    LatenessBucket.objects.create(hour=at("2026-11-20 10:00"), backend="beat", bucket=1, count=4)
    found = heat(SHOWN, tasks=Task.objects.all(), now=NOW)
    rows = {row.at.hour: row for row in found.rows}
    assert [(cell.due, cell.shade) for cell in rows[1].cells] == [(3, SHADES), *[(0, 0)] * 5, (1, 2), *[(0, 0)] * 5]
    assert (rows[10].due, rows[10].started, rows[10].troubles) == (3, 4, 1)
    assert (rows[23].started, len(found.rows)) == (None, 24)
    assert found.busiest[0].due == 3


@pytest.mark.django_db
@pytest.mark.parametrize("span", ["week", "month"])
def test_longer_heat_maps_have_a_row_for_each_day(span: str) -> None:
    for _ in range(2):
        a_schedule(now=NOW, cron="*/30 6 * * *")
    shown = window(QueryDict(f"span={span}"), NOW)
    found = heat(shown, tasks=Task.objects.all(), now=NOW)
    assert [row.due for row in found.rows] == [4] * (shown.end - shown.start).days
    assert {row.cells[6].due for row in found.rows} == {4}


def test_few_schedules_have_lanes_and_many_a_heat_map(viewer: Client) -> None:
    def shown(query: str = "") -> tuple[str, int]:
        with CaptureQueriesContext(connection) as asked:
            page = viewer.get(f"/timeline/{query}")
        assert page.status_code == 200
        assert len(page.content) < 100_000
        return page.content.decode(), len(asked)

    assert "No schedules yet" in shown()[0]
    for number in range(3):
        a_schedule(name=f"few {number}")
    few, statements = shown()
    assert len(re.findall('class="lane"', few)) == 3
    for number in range(MOST):
        a_schedule(name=f"many {number}")
    many, _ = shown()
    assert ("What is due when" in many, 'class="lane"' in many) == (True, False)
    assert 'class="h5"' in many
    lanes_of_some, same = shown("?view=lanes")
    assert (len(re.findall('class="lane"', lanes_of_some)), same) == (MOST, statements)
    assert len(re.findall('class="lane"', shown("?q=few")[0])) == 3
    assert "No schedule matches" in shown("?q=nothing+like+it")[0]


def test_a_mark_leads_to_its_task_and_a_lane_to_its_schedule(viewer: Client) -> None:
    schedule = a_schedule()
    now = timezone.now()
    (failed,) = ledger.record(
        [Task(schedule=schedule, name="a", job=schedule.job, woken_by="beat", executor="worker", status=Status.FAILED,
              due_at=now - timedelta(minutes=9), started_at=now - timedelta(minutes=9), finished_at=now)], now,
    )  # fmt: skip
    page = viewer.get("/timeline/").content.decode()
    assert f'<a href="/tasks/{failed.pk}/"><title>Failed, due' in page
    assert f'<a href="/schedules/{schedule.pk}/">' in page
