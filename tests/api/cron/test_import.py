"""POST /api/cron/import/: lines of a crontab become schedules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scheduling.models import Schedule
from tests.api.asking import pointers, stored
from tests.api.conformance import CheckedClient
from tests.api.conftest import FOREIGN

IMPORT = "/api/cron/import/"
CRONTAB = "0 3 * * * demo >/dev/null 2>&1\n0 4 * * * rm -rf /\n"


@pytest.fixture(autouse=True)
def _mapped(settings: Any, tmp_path: Path) -> None:
    settings.TANDEM_CRON_IMPORT = [{"command": "demo", "job": "demo.process_data"}]
    settings.TANDEM_FOREIGN_TABLE = "backends.crontab.foreign_lines.ForeignCrontab"


def test_a_dry_run_is_the_default_and_writes_nothing(admin: CheckedClient, crontab: Path) -> None:
    before = stored(crontab)
    found = admin.post(IMPORT, {"crontab": CRONTAB}, format="json").json()
    assert found["dry_run"] is True
    assert [(line["line"], line["outcome"]) for line in found["lines"]] == [(1, "would_create"), (2, "not_mapped")]
    assert stored(crontab) == before


def test_applied_the_schedule_is_there(admin: CheckedClient, crontab: Path) -> None:
    body = {"crontab": CRONTAB, "dry_run": False, "timezone": "Europe/Berlin", "lines": [1]}
    [line] = admin.post(IMPORT, body, format="json").json()["lines"]
    assert line["outcome"] == "created"
    schedule = Schedule.objects.get(pk=line["schedule"])
    assert (schedule.cron, schedule.timezone, schedule.job) == ("0 3 * * *", "Europe/Berlin", "demo.process_data")
    assert crontab.read_bytes() == FOREIGN


def test_installed_lines_become_comments_only_when_asked(admin: CheckedClient, crontab: Path) -> None:
    crontab.write_bytes(FOREIGN + b"0 3 * * * demo\n")
    body = {"installed": True, "dry_run": False, "backend": "beat"}
    admin.post(IMPORT, body, format="json")
    assert crontab.read_bytes() == FOREIGN + b"0 3 * * * demo\n"
    Schedule.objects.all().delete()
    found = admin.post(IMPORT, body | {"comment_out": True}, format="json").json()
    adopted = next(line for line in found["lines"] if line["outcome"] == "created")
    comment = f"# Adopted by Tandem as schedule {adopted['schedule']}: 0 3 * * * demo\n"
    assert crontab.read_bytes() == FOREIGN + comment.encode()
    assert found["backup"].endswith(".crontab")
    assert found["error"] == ""


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/crontab"), ({"crontab": "x", "installed": True}, "/crontab"),
        ({"crontab": "x", "comment_out": True}, "/comment_out"), ({"crontab": "x", "dry_run": 1}, "/dry_run"),
        ({"crontab": "x", "lines": [0]}, "/lines/0"), ({"crontab": "x", "job": "y"}, "/job"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(
    admin: CheckedClient, crontab: Path, body: dict[str, Any], pointer: str
) -> None:
    response = admin.post(IMPORT, body, format="json")
    assert response.status_code == 400
    assert pointers(response) == [pointer]


def test_only_an_admin_may_adopt(operator: CheckedClient, crontab: Path) -> None:
    assert operator.post(IMPORT, {"crontab": CRONTAB}, format="json").status_code == 403


def test_without_a_table_to_read_the_answer_says_so(admin: CheckedClient, crontab: Path, settings: Any) -> None:
    settings.TANDEM_FOREIGN_TABLE = ""
    response = admin.post(IMPORT, {"installed": True}, format="json")
    assert response.status_code == 503
    assert "TANDEM_FOREIGN_TABLE" in response.json()["detail"]
