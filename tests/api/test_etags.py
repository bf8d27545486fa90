"""ETag, If-Match and If-None-Match of schedules, tasks and workflows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from scheduling.models import Task
from tests.api.asking import made, of, stored, wanted
from tests.api.conformance import CheckedClient
from tests.recording import RecordingExecutor

WORKFLOW = {"name": "w", "workflow": {"job": "demo.process_data"}}


@pytest.fixture(params=["schedules", "tasks", "workflows"])
def address(request: pytest.FixtureRequest, operator: CheckedClient, crontab: Path, recorded: RecordingExecutor) -> str:
    """One of each kind, far from its next event."""
    bodies = {
        "schedules": wanted(cron="0 0 1 1 *"),
        "tasks": {"name": "t", "scheduled_time": "2090-01-01T00:00:00Z"},
        "workflows": WORKFLOW,
    }
    created = operator.post(f"/api/{request.param}/", bodies[request.param], format="json")
    assert created.headers["ETag"]
    return str(created.headers["Location"])


def test_what_is_known_is_not_sent_again(operator: CheckedClient, address: str) -> None:
    etag = operator.get(address).headers["ETag"]
    assert not etag.startswith("W/")
    for known in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        response = operator.get(address, HTTP_IF_NONE_MATCH=known)
        assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", etag)
    for known in ("", '"x"', etag.strip('"')):
        assert operator.get(address, HTTP_IF_NONE_MATCH=known).status_code == 200


def test_a_write_is_made_only_for_the_version_that_it_names(operator: CheckedClient, address: str) -> None:
    action = "pause" if "schedules" in address else "cancel"
    etag = operator.get(address).headers["ETag"]
    done = operator.post(f"{address}{action}/", HTTP_IF_MATCH=f'"1-0000000000000000", {etag}')
    assert done.status_code in {200, 202}
    assert done.headers["ETag"] != etag
    action = "resume" if "schedules" in address else "retry"
    stale = operator.post(f"{address}{action}/", HTTP_IF_MATCH=etag)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert operator.post(f"{address}{action}/", HTTP_IF_MATCH="*").status_code in {200, 202}


def test_a_version_follows_what_happens_to_a_task(operator: CheckedClient, recorded: RecordingExecutor) -> None:
    asked = operator.post("/api/tasks/", {"name": "t"}, format="json")
    etag = operator.get(asked.headers["Location"]).headers["ETag"]
    Task.objects.update(events=2, progress={"done": 1, "total": 2, "message": ""})
    assert operator.get(asked.headers["Location"], HTTP_IF_NONE_MATCH=etag).status_code == 200


def test_a_setting_asks_for_a_version(operator: CheckedClient, crontab: Path, settings: Settings) -> None:
    settings.TANDEM_REQUIRE_IF_MATCH = True
    schedule = made(operator)
    before = stored(crontab)
    writes: list[tuple[str, str, Any]] = [
        ("patch", of(schedule), {"name": "x"}), ("put", of(schedule), wanted(name="x")), ("delete", of(schedule), None),
        ("post", of(schedule, "pause"), None), ("post", of(schedule, "resume"), None),
        ("post", of(schedule, "move"), {"backend": "crontab"}),
        ("put", f"/api/schedules/by-key/{schedule['key']}/", wanted(name="x")),
        ("delete", f"/api/schedules/by-key/{schedule['key']}/", None),
    ]  # fmt: skip
    for method, address, body in writes:
        response = getattr(operator, method)(address, body, format="json")
        assert (response.status_code, response.json()["code"]) == (428, "version_required"), (method, address)
    assert stored(crontab) == before
    assert operator.patch(of(schedule), {"name": "x"}, format="json", HTTP_IF_MATCH='"1"').status_code == 200


@pytest.mark.parametrize("body", [{}, {"name": "a schedule"}, {"timezone": "UTC", "backend": "auto"}])
def test_a_change_of_nothing_is_no_new_version(operator: CheckedClient, crontab: Path, body: dict[str, Any]) -> None:
    schedule = made(operator)
    before = stored(crontab)
    assert operator.patch(of(schedule), body, format="json").json()["version"] == 1
    assert stored(crontab) == before
