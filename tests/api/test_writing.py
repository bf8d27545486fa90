"""`?dry_run=true`: each write answers what would follow, and changes nothing."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from scheduling import clock, secret_changes
from scheduling.models import StoredSecret, Workflow, WorkflowNode
from tests.api.asking import made, of, stored, wanted
from tests.api.conformance import CheckedClient, operations
from tests.api.conftest import checked
from tests.recording import RecordingExecutor

WORKFLOW = {"name": "w", "workflow": {"chain": [{"job": "demo.process_data"}, {"job": "demo.process_data"}]}}
LINE = {"crontab": "0 3 * * * /bin/true\n", "dry_run": False}
DRY = "?dry_run=true"
READS = {"/api/schedules/{id}/preview/", "/api/cron/describe/", "/api/cron/review/"}
# What makes a token shows it once, so nothing of it is kept or tried.
TOKENS = {"/api/tokens/", "/api/tokens/{id}/"}


def everything(crontab: Path, recorded: RecordingExecutor) -> list[Any]:
    rows = [list(model.objects.order_by("pk").values()) for model in (Workflow, WorkflowNode, StoredSecret)]
    return [stored(crontab), rows, list(recorded.submitted)]


@pytest.fixture
def present(crontab: Path, recorded: RecordingExecutor, settings: Settings, db: None) -> dict[str, Any]:
    """What the addresses name: a schedule with a task that waits, a cancelled task, two workflows, and a secret."""
    settings.TANDEM_SECRET_KEYS = [urlsafe_b64encode(bytes(32)).decode()]
    secret_changes.put("shop-token", "hunter2-hunter2", now=clock.now())
    client = checked("admin")
    schedule = made(client)
    later = {"name": "t", "scheduled_time": "2090-01-01T00:00:00Z"}
    waiting, ended = (client.post("/api/tasks/", later, format="json").json()["id"] for _ in range(2))
    client.post(f"/api/tasks/{ended}/cancel/")
    going, stopped = (client.post("/api/workflows/", WORKFLOW, format="json").json()["id"] for _ in range(2))
    client.post(f"/api/workflows/{stopped}/cancel/")
    return {"schedule": schedule, "waiting": waiting, "ended": ended, "going": going, "stopped": stopped}


PAST = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:10:00Z"}


def writes(present: dict[str, Any]) -> dict[tuple[str, str], tuple[str, Any]]:
    """By operation: an address, and a body that it accepts."""
    schedule, key = of(present["schedule"]), f"/api/schedules/by-key/{present['schedule']['key']}/"
    one, secret = {"ids": [present["schedule"]["id"]]}, "/api/secrets/shop-token/"
    return {
        ("POST", "/api/schedules/"): ("/api/schedules/", wanted()),
        ("PUT", "/api/schedules/{id}/"): (schedule, wanted(name="another")),
        ("PATCH", "/api/schedules/{id}/"): (schedule, {"cron": "0 4 * * *"}),
        ("DELETE", "/api/schedules/{id}/"): (schedule, None),
        ("PUT", "/api/schedules/by-key/{key}/"): (key, wanted(name="another")),
        ("DELETE", "/api/schedules/by-key/{key}/"): (key, None),
        ("POST", "/api/schedules/{id}/pause/"): (f"{schedule}pause/", None),
        ("POST", "/api/schedules/{id}/resume/"): (f"{schedule}resume/", None),
        ("POST", "/api/schedules/{id}/move/"): (f"{schedule}move/", {"backend": "crontab"}),
        ("POST", "/api/schedules/{id}/trigger/"): (f"{schedule}trigger/", None),
        ("POST", "/api/schedules/move/"): ("/api/schedules/move/", {"backend": "crontab", "dry_run": False}),
        **{
            ("POST", f"/api/schedules/bulk/{what}/"): (
                f"/api/schedules/bulk/{what}/",
                one | more,
            )
            for what, more in {"pause": {}, "resume": {}, "delete": {}, "change": {"changes": {"priority": 1}}}.items()
        },
        ("POST", "/api/schedules/bulk/create/"): ("/api/schedules/bulk/create/", {"schedules": [wanted()]}),
        ("POST", "/api/schedules/{id}/skip/"): (f"{schedule}skip/", {"count": 2}),
        ("POST", "/api/schedules/{id}/backfill/"): (f"{schedule}backfill/", PAST),
        ("POST", "/api/tasks/bulk/create/"): ("/api/tasks/bulk/create/", {"tasks": [{"name": "t"}]}),
        ("POST", "/api/tasks/bulk/cancel/"): ("/api/tasks/bulk/cancel/", {"ids": [present["waiting"]]}),
        ("POST", "/api/tasks/bulk/retry/"): ("/api/tasks/bulk/retry/", {"ids": [present["ended"]]}),
        ("POST", "/api/tasks/"): ("/api/tasks/", {"name": "t"}),
        ("POST", "/api/tasks/{id}/cancel/"): (f"/api/tasks/{present['waiting']}/cancel/", None),
        ("POST", "/api/tasks/{id}/retry/"): (f"/api/tasks/{present['ended']}/retry/", None),
        ("POST", "/api/workflows/"): ("/api/workflows/", WORKFLOW),
        ("POST", "/api/workflows/{id}/cancel/"): (f"/api/workflows/{present['going']}/cancel/", None),
        ("POST", "/api/workflows/{id}/retry/"): (f"/api/workflows/{present['stopped']}/retry/", None),
        ("PUT", "/api/secrets/{name}/"): (secret, {"value": "hunter3-hunter3"}),
        ("DELETE", "/api/secrets/{name}/"): (secret, None),
        ("POST", "/api/cron/import/"): ("/api/cron/import/", LINE),
        ("POST", "/api/backends/{name}/sync/"): ("/api/backends/beat/sync/", {"apply": True}),
    }


def test_each_write_can_be_tried(present: dict[str, Any], crontab: Path, recorded: RecordingExecutor) -> None:
    table = writes(present)
    assert set(table) == {
        (method, path) for method, path in operations() if method != "GET" and path not in READS | TOKENS
    }
    client, before = checked("admin"), everything(crontab, recorded)
    for (method, path), (address, body) in table.items():
        response = getattr(client, method.lower())(address + DRY, body, format="json")
        assert response.status_code == 200, (method, path, response.content)
        assert "Location" not in response.headers
        assert everything(crontab, recorded) == before, (method, path)


def test_a_dry_run_shows_what_would_be_stored(operator: CheckedClient, crontab: Path) -> None:
    tried = operator.post("/api/schedules/" + DRY, wanted(name="Nightly report"), format="json").json()
    schedule = made(operator, name="Nightly report")
    assert (tried["id"], tried["key"], tried["sync"]["state"]) == (0, "nightly-report", "pending")
    moment = {"id", "sync", "created_at", "updated_at", "next_occurrences"}
    assert {name for name in schedule if schedule[name] != tried[name]} <= moment | {"entries"}
    assert len(tried["entries"]) == len(schedule["entries"])
    changed = operator.patch(of(schedule) + DRY, {"cron": "0 4 * * *"}, format="json").json()
    assert (changed["id"], changed["cron"], changed["version"]) == (schedule["id"], "0 4 * * *", 2)


def test_a_dry_run_of_a_workflow_shows_its_tree_without_tasks(
    operator: CheckedClient, recorded: RecordingExecutor
) -> None:
    tried = operator.post("/api/workflows/" + DRY, WORKFLOW, format="json").json()
    assert (tried["id"], tried["status"], tried["counts"]) == (0, "RUNNING", {"QUEUED": 1, "SCHEDULED": 1})
    assert [member["task"] for member in tried["workflow"]["members"]] == [None, None]
    assert tried["delivery"].startswith("nothing: in a dry run")


def test_what_would_be_refused_is_refused(operator: CheckedClient, crontab: Path) -> None:
    assert operator.post("/api/schedules/" + DRY, {}, format="json").status_code == 400
    refused = operator.post("/api/schedules/?dry_run=yes", wanted(), format="json")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/dry_run")
