"""`manage.py doctor`: one line for each part, what to do, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from backends.beat.models import BeatProcess
from scheduling import doctor
from scheduling.findings import Finding
from scheduling.models import Schedule
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor

pytestmark = pytest.mark.django_db


class HealthyExecutor(RecordingExecutor):
    """A broker and workers that are there."""

    def health(self) -> Sequence[Finding]:
        return [Finding("broker", ok=True, detail="it answers")]

    def processes(self) -> Sequence[Finding]:
        return [Finding("workers", ok=True, detail="1 answers")]


@pytest.fixture(autouse=True)
def _around(settings: Any, db: None) -> None:
    BeatProcess.objects.create(host="testhost", process=1, heartbeat_at=timezone.now())
    settings.TANDEM_EXECUTORS = {
        "worker": "tests.scheduling.test_doctor.HealthyExecutor",
        "inline": "scheduling.execution.inline.InlineExecutor",
    }
    settings.TANDEM_BACKENDS = {"beat": "backends.beat.backend.BeatBackend"}


def ask(*arguments: str) -> tuple[int, str]:
    said = StringIO()
    try:
        call_command("doctor", *arguments, stdout=said)
    except SystemExit as exc:
        return int(str(exc.code)), said.getvalue()
    return 0, said.getvalue()


def test_where_all_is_well_the_exit_code_is_zero() -> None:
    code, said = ask()
    assert code == 0
    assert [line.split()[:2] for line in said.splitlines()] == [
        ["ok", name] for name in ("database", "broker", "workers", "upkeep", "beat")
    ]


def test_tasks_that_nobody_sends_are_a_problem_with_what_to_do() -> None:
    a_task(a_schedule(), send_at=timezone.now() - timedelta(minutes=5))
    code, said = ask()
    assert code == 1
    [line] = [line for line in said.splitlines() if line.startswith("PROBLEM")]
    assert "1 tasks wait for more than a minute" in line
    assert "settings.celery beat" in line


def test_a_beat_that_is_not_heard_of_is_a_problem() -> None:
    BeatProcess.objects.all().delete()
    code, said = ask()
    assert code == 1
    assert "no beat has sent a heartbeat" in said


def test_an_overdue_schedule_is_a_problem_of_its_backend() -> None:
    schedule = a_schedule()
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=timezone.now() - timedelta(minutes=5))
    found = json.loads(ask("--json")[1])
    assert found["ok"] is False
    assert [finding["name"] for finding in found["findings"] if not finding["ok"]] == ["beat"]


def test_a_database_that_is_away_is_told_without_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("connection to postgresql://u:hunter2@db failed")

    # The connection that tests hold cannot be cut.
    monkeypatch.setattr(connection, "ensure_connection", refuse)
    found = list(doctor.examine(now=timezone.now()))
    assert [finding.name for finding in found if not finding.ok] == ["database"]
    assert "hunter2" not in found[0].detail
    assert "DATABASE_URL" in found[0].advice
    assert "beat" not in [finding.name for finding in found]
