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

from scheduling import doctor
from scheduling.findings import Finding
from scheduling.models import Process, Schedule
from scheduling.processes import SILENT_AFTER
from scheduling.timing import tzdata_version
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.process_rows import a_process
from tests.recording import RecordingExecutor

pytestmark = pytest.mark.django_db


class HealthyExecutor(RecordingExecutor):
    """An executor whose broker and workers answer."""

    def health(self) -> Sequence[Finding]:
        return [Finding("broker", ok=True, detail="it answers")]

    def processes(self) -> Sequence[Finding]:
        return [Finding("workers", ok=True, detail="1 answers")]


@pytest.fixture(autouse=True)
def _around(settings: Any, db: None) -> None:
    a_process("beat")
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


def test_the_exit_code_is_zero_if_nothing_is_wrong() -> None:
    code, said = ask()
    assert code == 0
    names = (
        "database",
        "broker",
        "workers",
        "beat",
        "plans",
        "tzdata",
        "upkeep",
        "lateness",
        "secrets",
        "overdue",
        "beat",
    )
    assert [line.split()[:2] for line in said.splitlines()] == [["ok", name] for name in names]


def test_tasks_that_nobody_sends_are_a_problem_with_what_to_do() -> None:
    a_task(a_schedule(), send_at=timezone.now() - timedelta(minutes=5))
    code, said = ask()
    assert code == 1
    [line] = [line for line in said.splitlines() if line.startswith("PROBLEM")]
    assert "1 task waits for more than a minute" in line
    assert "settings.celery beat" in line


def test_a_beat_that_is_not_heard_of_is_a_problem() -> None:
    Process.objects.all().delete()
    code, said = ask()
    assert code == 1
    assert "no beat has been heard of" in said


def test_a_beat_whose_loop_stands_still_is_a_problem_although_its_pulse_moves() -> None:
    Process.objects.all().delete()
    now = timezone.now()
    a_process("beat", came_round_at=now - timedelta(minutes=2))
    code, said = ask()
    assert code == 1
    assert "its loop has stood still for 120 s" in said
    assert "beat on testhost hangs" in said
    a_process("beat", came_round_at=now)
    assert "beat runs on testhost" in ask()[1]


def test_each_process_is_told_with_its_queues_its_clock_and_its_last_attempt() -> None:
    now = timezone.now()
    a_process("worker", host="far", pid=7, queues=["tandem", "reports"], claimed_at=now)
    a_process("pool", host="far", skew=timedelta(seconds=-25))
    a_process("agent", host="gone", silent_for=timedelta(minutes=2))
    a_process("agent", host="back", silent_for=timedelta(minutes=2), started_at=now - timedelta(hours=1))
    a_process("agent", host="back")
    found = {(one["name"], one["ok"]): one for one in json.loads(ask("--json")[1])["findings"]}
    assert found["worker", True]["detail"] == (
        f"process 7 on far, heard of 0 s ago; takes tandem, reports; began an attempt at {now:%H:%M:%S} UTC"
    )
    assert "25 s behind the database's" in found["pool", False]["detail"]
    assert "NTP" in found["pool", False]["advice"]
    assert "on gone, heard of 120 s ago" in found["agent", False]["detail"]
    assert "on back, heard of 0 s ago" in found["agent", True]["detail"]


def test_a_schedule_that_is_decided_beyond_the_present_is_told() -> None:
    schedule = a_schedule()
    Schedule.objects.filter(pk=schedule.pk).update(cursor=timezone.now() + timedelta(hours=1))
    found = {one["name"]: one for one in json.loads(ask("--json")[1])["findings"]}
    assert not found["plans"]["ok"]
    assert f"the farthest is {schedule.pk}" in found["plans"]["detail"]


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


def test_processes_with_another_release_of_the_time_zone_data_are_a_problem() -> None:
    a_process("worker", tzdata="2025b", silent_for=2 * SILENT_AFTER)
    assert doctor.time_zones().ok
    a_process("worker", tzdata="2025b")
    found = doctor.time_zones()
    assert not found.ok
    assert "worker on testhost has 2025b" in found.detail
    assert tzdata_version() in found.detail
    assert "same requirements" in found.advice
