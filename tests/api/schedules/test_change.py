"""PATCH, PUT, DELETE, pause, resume, move, and the version checks of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from scheduling import ledger
from scheduling.models import Schedule, Task
from tests.api.asking import in_crontab, made, of, on_beat, pointers, stored, wanted
from tests.api.conformance import CheckedClient
from tests.api.conftest import FOREIGN


def test_a_patch_changes_what_it_names_and_nothing_else(operator: CheckedClient, crontab: Path) -> None:
    before = made(operator, description="kept", grace=70, timezone="Europe/Berlin")
    after = operator.patch(of(before), {"name": "another"}, format="json").json()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"name", "version", "updated_at", "runs_per_year"}
    assert (after["name"], after["version"]) == ("another", 2)


def test_naming_an_interval_takes_the_expression_away(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator)
    rows = on_beat(schedule)
    changed = operator.patch(of(schedule), {"every": 45}, format="json").json()
    assert (changed["cron"], changed["every"]) == ("", 45)
    assert changed["entries"][0].startswith("every ")
    assert on_beat(schedule) == rows
    back = operator.patch(of(schedule), {"cron": "0 3 * * *"}, format="json").json()
    assert (back["cron"], back["every"]) == ("0 3 * * *", None)


def test_a_put_brings_everything_else_back_to_its_default(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(
        operator, description="gone", parameters={"steps": 9}, timezone="Asia/Tokyo", overlap="allow", catch_up="all",
        grace=11, catch_up_window=1, paused=True, starts_at="2099-01-01T00:00:00Z", ends_at="2099-02-01T00:00:00Z",
        backend="crontab", executor="worker", priority=9, queue="slow", retries=3, soft_timeout=5, timeout=9,
        on_lost="fail",
    )  # fmt: skip
    plain = made(operator)
    replaced = operator.put(of(schedule), wanted(), format="json").json()
    differing = {name for name in plain if plain[name] != replaced[name]}
    assert differing <= {
        "runs_per_year",
        "id",
        "key",
        "version",
        "created_at",
        "updated_at",
        "entries",
        "next_occurrences",
    }
    assert in_crontab(schedule, crontab) == []
    assert len(on_beat(schedule)) == 1


def test_a_put_replaces_an_interval_by_an_expression(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron=None, every=30)
    replaced = operator.put(of(schedule), wanted(cron="1 2 3 4 *"), format="json").json()
    assert (replaced["cron"], replaced["every"]) == ("1 2 3 4 *", None)


def test_a_put_needs_what_a_new_schedule_needs(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator)
    response = operator.put(of(schedule), {"cron": "* * * * *"}, format="json")
    assert response.status_code == 400
    assert pointers(response) == ["/name", "/job"]


def a_task(schedule: dict[str, Any], status: str) -> Task:
    now = timezone.now()
    row = Task(schedule_id=schedule["id"], name="t", job="demo.process_data", woken_by="request", executor="worker")
    row.status = status
    [task] = ledger.record([row], now)
    return task


@pytest.mark.parametrize("backend", ["beat", "crontab"])
def test_a_deleted_schedule_leaves_its_history_and_nothing_that_waits(
    operator: CheckedClient, crontab: Path, backend: str
) -> None:
    schedule = made(operator, backend=backend)
    statuses = ("SCHEDULED", "QUEUED", "RUNNING", "COMPLETED", "MISSED")
    tasks = {status: a_task(schedule, status) for status in statuses}
    deleted = operator.delete(of(schedule))
    assert (deleted.status_code, deleted.json()) == (
        200,
        {"cancelled": [tasks["SCHEDULED"].pk, tasks["QUEUED"].pk], "running": [tasks["RUNNING"].pk]},
    )
    assert operator.get(of(schedule)).status_code == 404
    assert on_beat(schedule) == []
    assert crontab.read_bytes() == FOREIGN
    after = {status: Task.objects.get(pk=task.pk) for status, task in tasks.items()}
    assert {status: task.status for status, task in after.items()} == {
        "SCHEDULED": "CANCELLED", "QUEUED": "CANCELLED", "RUNNING": "RUNNING", "COMPLETED": "COMPLETED",
        "MISSED": "MISSED",
    }  # fmt: skip
    assert {task.schedule_id for task in after.values()} == {schedule["id"]}
    assert after["QUEUED"].reason == "its schedule was deleted"
    assert operator.get(f"/api/tasks/{after['COMPLETED'].pk}/").json()["schedule"] == schedule["id"]
    history = operator.get(f"/api/tasks/?schedule={schedule['id']}").json()["results"]
    assert {row["id"] for row in history} == {task.pk for task in tasks.values()}


def test_deleting_twice_finds_nothing_the_second_time(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator)
    assert operator.delete(of(schedule)).status_code == 200
    assert operator.delete(of(schedule)).status_code == 404


@pytest.mark.parametrize("backend", ["beat", "crontab"])
def test_a_pause_takes_the_entries_away_and_resuming_brings_them_back(
    operator: CheckedClient, crontab: Path, backend: str
) -> None:
    schedule = made(operator, backend=backend)
    paused = operator.post(of(schedule, "pause")).json()
    assert paused["paused"]
    assert paused["next_occurrences"] == paused["entries"] == on_beat(schedule) == in_crontab(schedule, crontab) == []
    resumed = operator.post(of(schedule, "resume")).json()
    assert not resumed["paused"]
    assert resumed["entries"] == schedule["entries"]
    assert len(resumed["next_occurrences"]) == 5
    assert len(on_beat(schedule)) + len(in_crontab(schedule, crontab)) == 1


def test_a_schedule_moves_to_crontab_and_back(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, backend="beat")
    there = operator.post(of(schedule, "move"), {"backend": "crontab"}, format="json").json()
    assert (there["routing"]["backend"], there["routing"]["host"], there["backend"]) == (
        "crontab",
        "testhost",
        "crontab",
    )
    assert there["entries"] == in_crontab(schedule, crontab)
    assert len(in_crontab(schedule, crontab)) == 1
    assert on_beat(schedule) == []
    back = operator.post(of(schedule, "move"), {"backend": "beat"}, format="json").json()
    assert (back["routing"]["backend"], back["routing"]["host"]) == ("beat", "")
    assert len(on_beat(schedule)) == 1
    assert crontab.read_bytes() == FOREIGN


def test_a_schedule_with_seconds_stays_where_it_is(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron=None, every=30)
    before = stored(crontab)
    response = operator.post(of(schedule, "move"), {"backend": "crontab"}, format="json")
    assert response.status_code == 400
    assert "multiple of 60" in response.json()["detail"]
    assert stored(crontab) == before


@pytest.mark.parametrize("body", [{}, {"backend": "quartz"}, {"backend": 3}, {"backend": None}, {"to": "beat"}, []])
def test_a_move_to_nowhere_changes_nothing(operator: CheckedClient, crontab: Path, body: object) -> None:
    schedule = made(operator)
    before = stored(crontab)
    response = operator.post(of(schedule, "move"), body, format="json")
    assert response.status_code == 400
    assert set(pointers(response)) <= {"", "/backend", "/to"}
    assert stored(crontab) == before


def _patch(client: CheckedClient, schedule: dict[str, Any], etag: str) -> Any:
    return client.patch(of(schedule), {"name": "late"}, format="json", HTTP_IF_MATCH=etag)


def _put(client: CheckedClient, schedule: dict[str, Any], etag: str) -> Any:
    return client.put(of(schedule), wanted(name="late"), format="json", HTTP_IF_MATCH=etag)


def _delete(client: CheckedClient, schedule: dict[str, Any], etag: str) -> Any:
    return client.delete(of(schedule), HTTP_IF_MATCH=etag)


def _pause(client: CheckedClient, schedule: dict[str, Any], etag: str) -> Any:
    return client.post(of(schedule, "pause"), HTTP_IF_MATCH=etag)


def _resume(client: CheckedClient, schedule: dict[str, Any], etag: str) -> Any:
    return client.post(of(schedule, "resume"), HTTP_IF_MATCH=etag)


def _move(client: CheckedClient, schedule: dict[str, Any], etag: str) -> Any:
    return client.post(of(schedule, "move"), {"backend": "crontab"}, format="json", HTTP_IF_MATCH=etag)


CHANGES = [_patch, _put, _delete, _pause, _resume, _move]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_meant_for_another_version_is_refused(operator: CheckedClient, crontab: Path, change: Any) -> None:
    schedule = made(operator)
    etag = operator.get(of(schedule)).headers["ETag"]
    assert operator.patch(of(schedule), {"name": "first"}, format="json").headers["ETag"].startswith('"2-')
    before = stored(crontab)
    response = change(operator, schedule, etag)
    assert response.status_code == 412
    assert response.json()["code"] == "stale_version"
    assert "version 2" in response.json()["detail"]
    assert stored(crontab) == before


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("etag", ['"1"', "*", 'W/"1"', '"7", "1"', '"1-0123456789abcdef" , W/"2"'])
def test_a_change_meant_for_this_version_goes_through(
    operator: CheckedClient, crontab: Path, change: Any, etag: str
) -> None:
    schedule = made(operator, paused=change is _resume)
    assert change(operator, schedule, etag).status_code == 200
    assert not Schedule.objects.filter(pk=schedule["id"], version=1).exists()


@pytest.mark.parametrize("change", CHANGES)
def test_an_if_match_that_is_no_etag_of_ours_is_refused(
    operator: CheckedClient, crontab: Path, change: Any, subtests: pytest.Subtests
) -> None:
    schedule = made(operator)
    before = stored(crontab)
    for etag in ("1", "", '"one"', '"1', '"1", 2', '"1",', '"1-0"', '"-1"', "\xff", '"99999999999999999999"'):
        with subtests.test(etag=etag):
            response = change(operator, schedule, etag)
            assert response.status_code == 400
            assert response.json()["errors"][0]["code"] == "if_match"
            assert stored(crontab) == before


@pytest.mark.parametrize("number", ["0", "999999", "9" * 18, "9" * 19, "9" * 5000])
@pytest.mark.parametrize(
    ("method", "action"),
    [("get", ""), ("put", ""), ("patch", ""), ("delete", ""), ("post", "pause/"), ("post", "resume/"),
     ("post", "move/"), ("post", "trigger/"), ("get", "occurrences/"), ("get", "tasks/")],
)  # fmt: skip
def test_a_schedule_that_is_not_there_is_not_found(
    operator: CheckedClient, crontab: Path, number: str, method: str, action: str
) -> None:
    body = {"backend": "beat"} if action == "move/" else wanted()
    response = getattr(operator, method)(
        f"/api/schedules/{number}/{action}", body if method != "get" else None, format="json"
    )
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
