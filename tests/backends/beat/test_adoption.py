"""A PeriodicTask becomes a schedule: what of it can, and no run is lost or made twice."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks
from pytest_django import Settings

from backends.beat.foreign_entries import ForeignEntry
from scheduling import dry_run
from scheduling.backend import backend
from scheduling.errors import Conflict, NotFound
from scheduling.models import AuditEntry, Schedule
from scheduling.registry import definition
from tests.conftest import a_schedule, at

pytestmark = pytest.mark.django_db
NOW = at("2026-11-20 10:00:02")


def a_row(*, last: datetime | None = None, every: int | None = None, **fields: Any) -> PeriodicTask:
    if every is not None:
        clock: Any = {"interval": IntervalSchedule.objects.create(every=every, period="seconds")}
    else:
        clock = {"crontab": CrontabSchedule.objects.create(minute="0", hour="*", timezone="Europe/Berlin")}
    asked = {"name": "theirs", "task": "demo.process_data", "last_run_at": last, **clock, **fields}
    row = PeriodicTask.objects.create(**asked)
    PeriodicTask.objects.filter(pk=row.pk).update(date_changed=last or NOW - timedelta(days=1))
    row.refresh_from_db()
    return row


def adopted(row: PeriodicTask) -> Schedule:
    made = backend("beat").adopt(row.pk, now=NOW)
    row.refresh_from_db()
    assert not row.enabled
    return Schedule.objects.get(pk=made.pk)


@pytest.mark.parametrize(
    ("fields", "last", "due"),
    [
        # This run was sent: the next one is ours.
        ({}, "2026-11-20 10:00:01", "2026-11-20 11:00"),
        # It is due, and no beat has sent it yet: we do.
        ({}, "2026-11-20 09:00", "2026-11-20 10:00"),
        # Beat was away for a day: what is to come runs.
        ({}, "2026-11-19 09:00", "2026-11-20 11:00"),
        ({"every": 600}, "2026-11-20 09:57:30", "2026-11-20 10:07:30"),
        ({"every": 600}, "2026-11-20 09:50:01", "2026-11-20 10:00:01"),
    ],
)
def test_it_goes_on_where_the_row_has_stopped(fields: dict[str, Any], last: str, due: str) -> None:
    made = adopted(a_row(last=at(last) if len(last) == 16 else datetime.fromisoformat(f"{last}+00:00"), **fields))
    expected = datetime.fromisoformat(f"{due}+00:00")
    assert made.next_due_at == expected
    assert made.routed_to == "beat"
    assert made.sync_state == "in_sync"


def test_a_row_that_never_ran_counts_from_its_last_change() -> None:
    row = a_row(every=600)
    PeriodicTask.objects.filter(pk=row.pk).update(date_changed=NOW - timedelta(seconds=605))
    assert adopted(row).next_due_at == NOW - timedelta(seconds=5)


def test_what_is_paused_goes_on_with_nothing() -> None:
    assert adopted(a_row(enabled=False, last=at("2026-11-20 09:00"))).next_due_at is None


def test_a_start_that_is_past_is_none_and_one_to_come_is_where_it_counts_from() -> None:
    last = at("2026-11-20 09:57:30")
    started = adopted(a_row(name="started", every=600, start_time=NOW - timedelta(days=1), last=last))
    assert (started.starts_at, started.next_due_at) == (None, last + timedelta(minutes=10))
    tomorrow = NOW + timedelta(days=1)
    to_come = adopted(a_row(name="to come", every=600, start_time=tomorrow, last=last))
    assert (to_come.starts_at, to_come.next_due_at) == (tomorrow, tomorrow)


def test_a_beat_that_has_read_the_row_before_sends_it_no_more() -> None:
    row = a_row(last=at("2026-11-20 09:00"))
    entry = ForeignEntry(PeriodicTask.objects.get(pk=row.pk))
    before = PeriodicTasks.last_change()
    adopted(row)
    assert entry.claim(NOW) is None
    assert PeriodicTasks.last_change() != before


def test_what_the_row_says_is_what_the_schedule_says() -> None:
    row = a_row(
        kwargs='{"steps": 2}', queue="slow", priority=3, description="of the shop", enabled=False,
        start_time=NOW + timedelta(days=1),
    )  # fmt: skip
    made = adopted(row)
    assert (made.name, made.description, made.job, made.parameters) == (
        "theirs", "of the shop", "demo.process_data", {"steps": 2},
    )  # fmt: skip
    assert (made.queue, made.priority, made.paused, made.starts_at) == ("slow", 3, True, NOW + timedelta(days=1))
    assert (made.cron, made.timezone) == ("0 * * * *", "Europe/Berlin")
    assert AuditEntry.objects.get(subject="schedule").action == "created"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"task": "shop.tasks.unknown"}, "name it in TANDEM_CELERY_JOBS"),
        ({"one_off": True}, "It runs once"),
        ({"expire_seconds": 9}, "Its messages expire"),
        ({"exchange": "x"}, "names an exchange"),
        ({"routing_key": "x"}, "names a routing key"),
        ({"headers": '{"a": 1}'}, "sends headers"),
        ({"args": "{}"}, "no JSON list and object"),
        ({"kwargs": "rubbish"}, "no JSON list and object"),
        ({"args": json.dumps(list(range(99)))}, "more than its job has parameters"),
    ],
)
def test_what_cannot_be_a_schedule_says_why_and_stays(fields: dict[str, Any], why: str) -> None:
    row = a_row(**fields)
    with pytest.raises(Conflict, match=why):
        backend("beat").adopt(row.pk, now=NOW)
    row.refresh_from_db()
    assert row.enabled
    assert not Schedule.objects.exists()


def test_a_celery_task_has_the_job_that_the_settings_name_and_its_arguments_get_their_names(settings: Settings) -> None:
    settings.TANDEM_CELERY_JOBS = {"demo.process_data": "backends.beat.tasks.fire"}
    row = a_row(task="backends.beat.tasks.fire", args="[4]")
    first = next(iter(definition("demo.process_data").schema()["properties"]))
    made = adopted(row)
    assert (made.job, made.parameters) == ("demo.process_data", {first: 4})


def test_a_clock_without_an_expression_is_refused() -> None:
    row = PeriodicTask.objects.create(
        name="once", task="demo.process_data", clocked=ClockedSchedule.objects.create(clocked_time=NOW), one_off=True
    )
    with pytest.raises(Conflict, match="no cron expression or interval"):
        backend("beat").adopt(row.pk, now=NOW)


def test_an_interval_of_parts_of_a_second_is_refused_and_not_rounded() -> None:
    interval = IntervalSchedule.objects.create(every=1_500_000, period="microseconds")
    row = PeriodicTask.objects.create(name="odd", task="demo.process_data", interval=interval)
    with pytest.raises(Conflict, match="no cron expression or interval"):
        backend("beat").adopt(row.pk, now=NOW)


def test_it_is_adopted_once_and_nothing_of_ours_is() -> None:
    row = a_row()
    made = adopted(row)
    with pytest.raises(Conflict, match=f"Schedule {made.pk} does the same already"):
        backend("beat").adopt(row.pk, now=NOW)
    with pytest.raises(NotFound):
        backend("beat").adopt(PeriodicTask.objects.get(name__startswith="tandem:").pk, now=NOW)
    with pytest.raises(NotFound):
        backend("crontab").adopt(row.pk, now=NOW)


def test_rows_that_differ_in_their_name_or_arguments_are_two_schedules() -> None:
    row = a_row(priority=0)
    assert adopted(row).priority == 0
    PeriodicTask.objects.filter(pk=row.pk).update(kwargs='{"steps": 2}')
    names = [adopted(each).name for each in (row, a_row(name="another"))]
    assert names == ["theirs", "another"]


def test_a_dry_run_leaves_everything_as_it_is() -> None:
    row, kept = a_row(), a_schedule(name="other")
    with dry_run.tried():
        assert backend("beat").adopt(row.pk, now=NOW).name == "theirs"
    row.refresh_from_db()
    assert row.enabled
    assert list(Schedule.objects.all()) == [kept]
