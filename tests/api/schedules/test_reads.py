"""Lists of schedules, occurrences and tasks of a schedule, and triggering a schedule by hand."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from scheduling import delivery, dispatch, ledger
from scheduling.models import Schedule, Task
from tests.api.asking import SCHEDULES, made, of, pointers
from tests.api.conformance import CheckedClient
from tests.conftest import a_schedule, at


def names(response: Any) -> list[str]:
    return [row["name"] for row in response.json()["results"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["backup", "mail", "tick"]),
        ({"q": "AI"}, ["mail"]),
        ({"backend": "crontab"}, ["mail"]),
        ({"executor": "inline"}, ["mail"]),
        ({"host": "testhost"}, ["mail"]),
        ({"paused": "true"}, ["backup"]),
        ({"paused": "false"}, ["mail", "tick"]),
        ({"sync": "in_sync"}, ["backup", "mail", "tick"]),
        ({"sync": "pending"}, []),
        ({"job": "demo.process_data"}, ["backup", "mail", "tick"]),
        ({"job": "http.fetch"}, []),
        ({"due_before": "2100-01-01T00:00:00Z"}, ["mail", "tick"]),
        ({"due_before": "2000-01-01T00:00:00+05:30"}, []),
        ({"due_after": "2000-01-01T00:00:00Z"}, ["mail", "tick"]),
        ({"due_after": "2100-01-01T00:00:00Z"}, []),
        ({"queue": "reports"}, ["mail"]),
        ({"queue": "report"}, []),
        ({"q": "t", "backend": "beat"}, ["tick"]),
        ({"limit": "1"}, ["backup"]),
    ],
)
def test_the_list_can_be_narrowed(
    operator: CheckedClient, crontab: Path, query: dict[str, str], expected: list[str]
) -> None:
    made(operator, name="tick", cron=None, every=30)
    made(operator, name="mail", backend="crontab", queue="reports")
    made(operator, name="backup", paused=True)
    assert sorted(names(operator.get(SCHEDULES, query))) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("paused", "maybe"), ("paused", "2"), ("sync", "broken"), ("backend", "quartz"), ("executor", "moon"),
        ("due_before", "tomorrow"), ("due_before", "2026-01-01T00:00:00"),
        ("due_before", "0001-01-01T00:00:00+14:00"),
        ("q", "a\0b"), ("job", "\0"), ("limit", "0"), ("limit", "201"), ("limit", "ten"), ("limit", "-1"),
        ("limit", "9" * 5000), ("cursor", "!"), ("cursor", "\xff"), ("cursor", "cD1hYmM="), ("cursor", "cD0lMDA="),
        ("cursor", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5"), ("cursor", "bz0tMQ=="), ("cursor", "cj14"), ("stauts", "x"),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_is_refused(operator: CheckedClient, crontab: Path, name: str, value: str) -> None:
    response = operator.get(SCHEDULES, {name: value})
    assert response.status_code == 400
    assert pointers(response) == [f"/{name}"]


def test_pages_show_every_schedule_once_while_others_are_added(operator: CheckedClient, crontab: Path) -> None:
    for number in range(5):
        made(operator, name=f"s{number}")
    page = operator.get(SCHEDULES, {"limit": 2}).json()
    assert page["previous"] is None
    made(operator, name="newer")
    seen = [row["name"] for row in page["results"]]
    while page["next"]:
        page = operator.get(page["next"]).json()
        seen += [row["name"] for row in page["results"]]
    assert seen == ["s4", "s3", "s2", "s1", "s0"]
    before = operator.get(page["previous"]).json()
    assert [row["name"] for row in before["results"]] == ["s2", "s1"]


@pytest.mark.parametrize("backend", ["beat", "crontab"])
def test_listing_fifty_schedules_takes_few_queries(
    operator: CheckedClient, crontab: Path, backend: str, django_assert_max_num_queries: Any
) -> None:
    now = timezone.now()
    first = a_schedule(backend=backend, now=now)
    fields = {
        field.attname: getattr(first, field.attname)
        for field in Schedule._meta.concrete_fields
        if field.name not in {"id", "key"}
    }
    Schedule.objects.bulk_create(Schedule(**fields) for _ in range(49))
    with django_assert_max_num_queries(10):
        assert len(operator.get(SCHEDULES).json()["results"]) == 50


def an_hour_of_history() -> Schedule:
    """Due every ten minutes from 10:00; the ledger has decided up to 10:30, of which 10:30 is still open."""
    schedule = a_schedule(cron="*/10 * * * *", now=at("2026-01-01 10:05"))
    for minute in (10, 20, 30):
        now = at(f"2026-01-01 10:{minute}")
        [task] = dispatch.fire(schedule.pk, now=now, woken_by="beat")
        if minute < 30:
            claimed = ledger.claim(task.pk, 1, worker="w", now=now)
            assert claimed is not None
            assert ledger.complete(claimed, result=minute, now=now)
    return schedule


def test_past_and_future_occurrences_are_one_list(operator: CheckedClient, crontab: Path) -> None:
    schedule = an_hour_of_history()
    window = {"from": "2026-01-01T10:20:00Z", "to": "2026-01-01T10:50:00+00:00"}
    found = operator.get(of({"id": schedule.pk}, "occurrences"), window).json()
    tasks = {task.due_at: task.pk for task in Task.objects.all()}
    assert found == [
        {"due_at": "2026-01-01T10:20:00Z", "status": "COMPLETED", "task": tasks[at("2026-01-01 10:20")]},
        {"due_at": "2026-01-01T10:30:00Z", "status": "QUEUED", "task": tasks[at("2026-01-01 10:30")]},
        {"due_at": "2026-01-01T10:40:00Z", "status": "DUE", "task": None},
        {"due_at": "2026-01-01T10:50:00Z", "status": "DUE", "task": None},
    ]


def test_without_a_window_the_coming_week_is_shown(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron="0 12 * * *")
    assert len(operator.get(of(schedule, "occurrences")).json()) == 7


def test_occurrences_are_bounded(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron="* * * * *")
    window = {"from": "2099-01-01T00:00:00Z", "to": "2199-01-01T00:00:00Z"}
    found = operator.get(of(schedule, "occurrences"), window).json()
    assert len(found) == 1000
    assert found[0]["due_at"] == "2099-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("window", "pointer"),
    [
        ({"from": "yesterday"}, "/from"), ({"to": "2026-01-01"}, "/to"), ({"from": "2026-01-01T00:00:00"}, "/from"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "/from"), ({"to": "9999-12-31T23:59:59-14:00"}, "/to"),
        ({"start": "2026-01-01T00:00:00Z"}, "/start"), ({"from": ""}, "/from"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "/to"),
    ],
)  # fmt: skip
def test_a_window_that_cannot_be_is_refused(
    operator: CheckedClient, crontab: Path, window: dict[str, str], pointer: str
) -> None:
    response = operator.get(of(made(operator), "occurrences"), window)
    assert response.status_code == 400
    assert pointers(response) == [pointer]


@pytest.mark.parametrize("trigger", [{"cron": "0 0 29 2 *"}, {"cron": None, "every": 86400}])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_whole_calendar_may_be_asked_for(
    operator: CheckedClient, crontab: Path, trigger: dict[str, Any], zone: str
) -> None:
    schedule = made(operator, timezone=zone, **trigger)
    for window in (
        {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"},
        {"from": "9999-12-31T23:59:58Z", "to": "9999-12-31T23:59:59Z"},
        {"from": "0001-01-01T00:00:00Z", "to": "0001-01-01T00:00:01Z"},
    ):
        assert operator.get(of(schedule, "occurrences"), window).status_code == 200


def test_a_run_by_hand_is_stored_while_the_broker_is_away(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, parameters={"steps": 2})
    response = operator.post(of(schedule, "trigger"))
    assert response.status_code == 202
    body = response.json()
    assert body["delivery"].startswith("the broker cannot be reached")
    task = Task.objects.get(pk=body["id"])
    assert (task.status, task.woken_by, task.due_at) == ("QUEUED", "request", None)
    assert (task.schedule_id, task.parameters) == (schedule["id"], {"steps": 2})
    again_at = timezone.now() + timedelta(seconds=10)
    assert [left.pk for left in delivery.take_unclaimed(now=again_at)] == [task.pk]


def test_a_run_by_hand_on_a_crontab_waits_for_its_agent(operator: CheckedClient, crontab: Path) -> None:
    body = operator.post(of(made(operator, backend="crontab"), "trigger")).json()
    assert body["delivery"] == "the agent on testhost"
    assert [left.pk for left in delivery.take_unclaimed(now=timezone.now(), host="testhost")] == [body["id"]]


def test_a_paused_schedule_can_be_run_by_hand(operator: CheckedClient, crontab: Path) -> None:
    assert operator.post(of(made(operator, paused=True), "trigger")).status_code == 202


def test_the_tasks_of_a_schedule_are_listed_newest_first(operator: CheckedClient, crontab: Path) -> None:
    schedule = an_hour_of_history()
    a_schedule(name="another")
    tasks = of({"id": schedule.pk}, "tasks")
    page = operator.get(tasks, {"limit": 2}).json()
    assert [row["due_at"] for row in page["results"]] == ["2026-01-01T10:30:00Z", "2026-01-01T10:20:00Z"]
    rest = operator.get(page["next"]).json()
    assert [row["due_at"] for row in rest["results"]] == ["2026-01-01T10:10:00Z"]
    assert len(operator.get(tasks, {"status": "COMPLETED"}).json()["results"]) == 2
    assert operator.get(tasks, {"status": "DONE"}).status_code == 400
