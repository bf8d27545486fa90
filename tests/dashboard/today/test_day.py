"""The pictures of Today: the last day counted once, the next hour in order, and neither grows with the ledger."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.today import day
from scheduling import caller, ledger, queries, statistics
from scheduling.caller import Caller
from scheduling.lifecycle import Status
from scheduling.models import Schedule, StatisticsPosition, Task
from tests.conftest import a_schedule, at

pytestmark = pytest.mark.django_db
NOW = at("2026-11-20 12:30")


def end(schedule: Schedule, status: Status, hour: int, *, number: int = 1) -> None:
    when = NOW.replace(hour=hour)
    ledger.record(
        [
            Task(
                schedule=schedule, name="a", job=schedule.job, woken_by="beat", executor="worker", status=status,
                due_at=when + timedelta(minutes=list(Status).index(status), seconds=each), finished_at=when,
            )
            for each in range(number)
        ],
        when,
    )  # fmt: skip


def counts() -> dict[int, dict[str, int]]:
    return {column.hour.hour: dict(column.counts) for column in day.columns(queries.tasks(), NOW) if column.counts}


def test_the_last_day_is_counted_and_what_the_statistics_do_not_have_yet_is_added() -> None:
    schedule = a_schedule(now=NOW)
    statistics.count(now=NOW)  # counting begins
    end(schedule, Status.COMPLETED, 9, number=3)
    end(schedule, Status.FAILED, 9)
    expected = {9: {"completed": 3, "failed": 1}}
    assert counts() == expected
    statistics.count(now=NOW)
    assert counts() == expected
    end(schedule, Status.MISSED, 11)
    assert counts() == {**expected, 11: {"missed": 1}}
    # Retention deletes tasks, and leaves what was counted.
    Task.objects.filter(status=Status.COMPLETED).delete()
    assert counts() == {**expected, 11: {"missed": 1}}


def test_without_statistics_and_for_one_owner_tasks_are_counted() -> None:
    mine, other = a_schedule(now=NOW, owner=None), a_schedule(now=NOW, owner=None)
    end(mine, Status.COMPLETED, 9, number=2)
    end(other, Status.FAILED, 10)
    assert counts() == {9: {"completed": 2}, 10: {"failed": 1}}
    StatisticsPosition.objects.create(pk=1, high=10**9)
    assert counts() == {}
    Task.objects.filter(schedule=mine).update(owner=7)
    with caller.acting(Caller("user", user="ada", access=frozenset({7}))):
        assert counts() == {9: {"completed": 2}}


def test_the_next_hour_has_each_minute_once_in_order_and_no_more_than_fit() -> None:
    a_schedule(now=NOW, name="often", cron="* * * * *")
    a_schedule(now=NOW, name="very often", every=10)
    a_schedule(now=NOW, name="once", cron="35 12 * * *")
    a_schedule(now=NOW, name="later", cron="0 20 * * *")
    found = day.coming(queries.schedules(), NOW)
    assert [minute.at for minute in found] == sorted({minute.at for minute in found})
    assert len(found) == day.MOST_MINUTES
    assert {name for minute in found for _, name in minute.due} == {"often", "very often", "once"}
    assert Counter(name for minute in found for _, name in minute.due)["once"] == 1


def test_a_zone_that_nobody_knows_stops_no_page() -> None:
    schedule = a_schedule(now=NOW, cron="* * * * *")
    Schedule.objects.filter(pk=schedule.pk).update(timezone="Mars/Olympus")
    assert day.coming(queries.schedules(), NOW) == []


def test_both_pictures_cost_the_same_whatever_there_is() -> None:
    schedule = a_schedule(now=NOW)
    statistics.count(now=NOW)

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            counts()
            day.coming(queries.schedules(), NOW)
        return len(asked)

    few = statements()
    end(schedule, Status.COMPLETED, 9, number=50)
    for number in range(5):
        a_schedule(now=NOW, cron=f"{number} * * * *")
    assert statements() == few
