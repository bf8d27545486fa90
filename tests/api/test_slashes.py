"""An address without its last slash is taken as the one with it: no body gets lost in a redirect."""

from __future__ import annotations

from pathlib import Path

from scheduling.models import Task
from tests.api.asking import made, of
from tests.conftest import client_as
from tests.recording import RecordingExecutor


def test_a_post_without_its_slash_is_done(db: None, recorded: RecordingExecutor) -> None:
    response = client_as("operator").post("/api/tasks", {"name": "t"}, format="json")
    assert response.status_code == 201
    assert Task.objects.get().name == "t"


def test_every_method_is_answered_there(db: None, crontab: Path) -> None:
    client = client_as("operator")
    bare = of(made(client)).rstrip("/")
    assert client.get(bare).json()["name"] == "a schedule"
    assert client.patch(bare, {"name": "x"}, format="json").json()["name"] == "x"
    listed = client.get("/api/schedules?limit=1").json()
    assert len(listed["results"]) == 1
    assert client.delete(bare).status_code == 200
    assert client.get("/api/nothing").json()["code"] == "not_found"
