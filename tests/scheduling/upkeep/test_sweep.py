"""Upkeep repairs what crashes leave behind. Each step is independent of the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DataError, InterfaceError, connection
from pytest_django import Settings

from scheduling import delivery, dispatch, ledger
from scheduling.executor import executor
from scheduling.models import Schedule, Task
from scheduling.upkeep import sweep as sweep_module
from scheduling.upkeep.sweep import sweep
from tests.conftest import a_schedule, at
from tests.process_rows import ended_process
from tests.recording import SETTINGS_EXECUTORS, RecordingExecutor

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")
DUE = at("2026-11-20 10:05")


@pytest.fixture(autouse=True)
def worker(settings: Settings) -> RecordingExecutor:
    """The tasks that were handed to workers."""
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    found = executor("worker")
    assert isinstance(found, RecordingExecutor)
    return found


def statuses(schedule: Schedule) -> list[str]:
    """The statuses of the schedule's tasks, oldest first."""
    return list(Task.objects.filter(schedule=schedule).order_by("due_at", "pk").values_list("status", flat=True))


def test_a_broker_that_is_away_loses_nothing(worker: RecordingExecutor) -> None:
    a_schedule(now=NOW)
    worker.error = "away"
    dispatch.dispatch_due("beat", now=DUE)
    task = Task.objects.get()
    assert task.status == "QUEUED"
    worker.error = ""
    sweep(now=DUE + ledger.HAND_OVER - timedelta(seconds=1))
    assert worker.submitted == []
    sweep(now=DUE + ledger.HAND_OVER)
    assert worker.submitted == [(task.pk, 1)]


def test_a_lost_message_is_sent_again_until_it_is_claimed(worker: RecordingExecutor) -> None:
    a_schedule(now=NOW)
    dispatch.dispatch_due("beat", now=DUE)
    task = Task.objects.get()
    sweep(now=DUE + timedelta(seconds=59))
    assert len(worker.submitted) == 1
    sweep(now=DUE + timedelta(seconds=60))
    assert worker.submitted == [(task.pk, 1)] * 2
    ledger.claim(task.pk, 1, worker="me", now=DUE + timedelta(seconds=61))
    sweep(now=DUE + timedelta(seconds=75))
    assert len(worker.submitted) == 2


def test_upkeep_takes_more_than_one_batch(worker: RecordingExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    worker.error = "away"
    for _ in range(7):
        a_schedule(now=NOW)
    dispatch.dispatch_due("beat", now=DUE)
    worker.error = ""
    monkeypatch.setattr(delivery, "BATCH", 3)
    sweep(now=DUE + timedelta(minutes=1))
    assert len(worker.submitted) == 7


def test_upkeep_releases_what_waits_for_a_task_that_was_lost(worker: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW, overlap="queue")
    dispatch.dispatch_due("beat", now=DUE)
    dispatch.dispatch_due("beat", now=at("2026-11-20 10:10"))
    ledger.claim(worker.submitted[0][0], 1, worker="me", process=ended_process(), now=DUE)
    sweep(now=at("2026-11-20 10:11"))
    assert statuses(schedule) == ["FAILED", "QUEUED"]
    assert len(worker.submitted) == 2


def test_a_step_that_fails_is_told_and_does_not_stop_the_others(
    worker: RecordingExecutor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: object) -> None:
        raise DataError("smallint out of range")

    worker.error = "away"
    a_schedule(now=NOW)
    dispatch.dispatch_due("beat", now=DUE)
    worker.error = ""
    monkeypatch.setattr(sweep_module, "STEPS", (broken, *sweep_module.STEPS))
    sweep(now=DUE + ledger.HAND_OVER)
    assert len(worker.submitted) == 1
    assert "upkeep: broken failed" in caplog.text
    assert "smallint out of range" in caplog.text


def test_a_database_that_is_away_ends_the_round(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def away(**_: object) -> None:
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(sweep_module, "STEPS", (away, lambda **_: done.append("next")))
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    with pytest.raises(InterfaceError):
        sweep(now=DUE)
    assert done == []
