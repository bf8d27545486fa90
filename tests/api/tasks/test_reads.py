"""/api/tasks/: reading tasks."""

from __future__ import annotations

from typing import Any

import pytest

from scheduling import dispatch, ledger
from scheduling.models import Task
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient
from tests.conftest import a_schedule, at

TASKS = "/api/tasks/"


def a_task(name: str = "a task", *, hour: int = 10) -> Task:
    """A queued task for an occurrence at that hour."""
    schedule = a_schedule(name=name, cron=f"0 {hour} * * *", now=at("2026-01-01 00:00"))
    [task] = dispatch.fire(schedule.pk, now=at(f"2026-01-01 {hour}:00"), woken_by="beat")
    return task


def run(task: Task, *, error: str = "") -> Task:
    """Run the task on worker w1, a second late. It fails with `error`, or completes with its name as result."""
    now = at("2026-01-01 12:00:01")
    claimed = ledger.claim(task.pk, 1, worker="w1", now=now)
    assert claimed is not None
    assert ledger.progress(claimed, done=1, total=2, message="half", now=now)
    if error:
        assert ledger.fail(claimed, error=error, traceback="Traceback ...", now=now)
    else:
        assert ledger.complete(claimed, result={"name": task.name}, now=now)
    return Task.objects.get(pk=task.pk)


def test_a_task_that_has_run_shows_what_came_of_it(viewer: CheckedClient) -> None:
    task = run(a_task())
    shown = viewer.get(f"{TASKS}{task.pk}/").json()
    assert (shown["status"], shown["result"], shown["error"]) == ("COMPLETED", {"name": "a task"}, "")
    assert (shown["due_at"], shown["started_at"]) == ("2026-01-01T10:00:00Z", "2026-01-01T12:00:01Z")
    assert (shown["ran_on"], shown["woken_by"], shown["schedule"]) == ("w1", "beat", task.schedule_id)
    assert shown["progress"] == {"done": 1, "total": 2, "message": "half"}


def test_a_task_that_waits_has_neither_result_nor_end(viewer: CheckedClient) -> None:
    shown = viewer.get(f"{TASKS}{a_task().pk}/").json()
    assert (shown["status"], shown["ran_on"]) == ("QUEUED", "")
    assert (shown["started_at"], shown["finished_at"], shown["progress"], shown["result"]) == (None, None, None, None)


def test_the_status_comes_with_the_number_of_the_last_event(viewer: CheckedClient) -> None:
    task = run(a_task(), error="no luck")
    assert viewer.get(f"{TASKS}{task.pk}/status/").json() == {
        "id": task.pk, "event": 4, "status": "FAILED", "progress": {"done": 1, "total": 2, "message": "half"},
        "result": None, "error": "no luck",
    }  # fmt: skip


def test_the_attempts_say_when_where_and_how_it_ended(viewer: CheckedClient) -> None:
    task = run(a_task(), error="no luck")
    assert viewer.get(f"{TASKS}{task.pk}/attempts/").json() == [
        {"number": 1, "status": "FAILED", "executor": "worker", "worker": "w1", "started_at": "2026-01-01T12:00:01Z",
         "ended_at": "2026-01-01T12:00:01Z", "error": "no luck", "traceback": "Traceback ..."},
    ]  # fmt: skip


def test_the_events_are_numbered_from_one_in_order(viewer: CheckedClient) -> None:
    task = run(a_task())
    events = viewer.get(f"{TASKS}{task.pk}/events/").json()
    assert [(event["event"], event["status"]) for event in events] == [
        (1, "QUEUED"), (2, "RUNNING"), (3, "RUNNING"), (4, "COMPLETED"),
    ]  # fmt: skip
    assert events[1]["detail"] == {"worker": "w1", "attempt": 1}
    assert events[3] == {
        "event": 4, "at": "2026-01-01T12:00:01Z", "status": "COMPLETED", "detail": {"result": {"name": "a task"}},
            "actor": {"kind": "worker", "user": "", "token": ""},
    }  # fmt: skip


@pytest.mark.parametrize("number", ["0", "999999", "9" * 18, "9" * 19, "9" * 5000])
@pytest.mark.parametrize("part", ["", "status/", "attempts/", "events/"])
def test_a_task_that_is_not_there_is_not_found(viewer: CheckedClient, number: str, part: str) -> None:
    response = viewer.get(f"{TASKS}{number}/{part}")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_ledger_is_only_read_here(admin: CheckedClient, method: str) -> None:
    task = a_task()
    response = getattr(admin, method)(f"{TASKS}{task.pk}/", {}, format="json")
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert Task.objects.get(pk=task.pk).status == "QUEUED"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["third", "second", "first"]),
        ("status=COMPLETED", ["first"]),
        ("status=COMPLETED&status=FAILED", ["second", "first"]),
        ("q=IR", ["third", "first"]),
        ("executor=worker", ["third", "second", "first"]),
        ("executor=inline", []),
        ("job=demo.process_data&q=second", ["second"]),
        ("job=nothing", []),
        ("woken_by=beat", ["third", "second", "first"]),
        ("woken_by=request", []),
        ("due_after=2026-01-01T11:00:00Z", ["third", "second"]),
        ("due_before=2026-01-01T12:00:00%2B01:00", ["first"]),
        ("due_after=2026-01-01T11:00:00Z&due_before=2026-01-01T12:00:00Z", ["second"]),
        ("created_before=2026-01-01T10:00:00Z", []),
        ("created_after=2026-01-01T11:00:00Z", ["third", "second"]),
        ("limit=2", ["third", "second"]),
        ("worker=w1", ["second", "first"]),
        ("worker=w", []),
        ("queue=reports", ["third"]),
        ("queue=report", []),
        ("priority=9", ["third"]),
        ("priority=5", ["second", "first"]),
        ("priority_min=6", ["third"]),
        ("priority_min=5", ["third", "second", "first"]),
        ("priority_max=5", ["second", "first"]),
        ("priority_max=4", []),
        ("priority_min=6&priority_max=8", []),
        ("duration_min=0", ["second", "first"]),
        ("duration_min=0.5", []),
        ("duration_max=60", ["second", "first"]),
    ],
)
def test_the_list_can_be_narrowed(viewer: CheckedClient, query: str, expected: list[str]) -> None:
    run(a_task("first", hour=10))
    run(a_task("second", hour=11), error="x")
    Task.objects.filter(pk=a_task("third", hour=12).pk).update(queue="reports", priority=9)
    assert [row["name"] for row in viewer.get(f"{TASKS}?{query}").json()["results"]] == expected


def test_the_tasks_of_one_schedule_can_be_asked_for(viewer: CheckedClient) -> None:
    first, second = a_task("first"), a_task("second")
    for task in (first, second):
        rows = viewer.get(f"{TASKS}?schedule={task.schedule_id}").json()["results"]
        assert [row["id"] for row in rows] == [task.pk]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "DONE"), ("status", "completed"), ("schedule", "x"), ("schedule", "0"), ("schedule", "1.5"),
        ("schedule", "9" * 30),
        ("executor", "moon"), ("due_after", "x"), ("due_after", "2026-01-01T00:00:00"), ("due_before", "2026-01-01"),
        ("created_after", "9999-12-31T23:59:59-14:00"), ("created_before", "\0"), ("q", "\0"), ("job", "\0"),
        ("priority", "10"), ("priority", "1.5"), ("priority_min", "-1"), ("priority_max", "x"), ("duration_min", "-1"),
        ("duration_max", "1e10"), ("duration_max", "NaN"), ("worker", "\0"), ("queue", "\0"),
        ("woken_by", "\0"), ("limit", "x"), ("cursor", "x"), ("cursor", "cD1hYmM="), ("page", "2"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_refused(viewer: CheckedClient, name: str, value: str) -> None:
    response = viewer.get(TASKS, {name: value})
    assert response.status_code == 400
    assert pointers(response) == [f"/{name}"]


def test_pages_follow_each_other(viewer: CheckedClient) -> None:
    tasks = [a_task(f"t{number}") for number in range(5)]
    page = viewer.get(TASKS, {"limit": 2}).json()
    seen = [row["id"] for row in page["results"]]
    while page["next"]:
        page = viewer.get(page["next"]).json()
        seen += [row["id"] for row in page["results"]]
    assert seen == [task.pk for task in reversed(tasks)]


def test_listing_fifty_tasks_takes_few_queries(viewer: CheckedClient, django_assert_max_num_queries: Any) -> None:
    task = a_task()
    fields = {field.attname: getattr(task, field.attname) for field in Task._meta.concrete_fields}
    del fields["id"], fields["due_at"]
    Task.objects.bulk_create(Task(**fields) for _ in range(60))
    with django_assert_max_num_queries(8):
        assert len(viewer.get(TASKS).json()["results"]) == 50
