"""Why a task or a schedule has not run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from scheduling import explain, ledger, schedules, tasks
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LATER = NOW + timedelta(hours=1)


def codes(of: Task | Schedule) -> list[str]:
    of.refresh_from_db()
    found = explain.of_task(of) if isinstance(of, Task) else explain.of_schedule(of, now=NOW)
    return [reason.code for reason in found.reasons]


def a_task(**wanted: Any) -> Task:
    return tasks.create(now=NOW, name="t", job="demo.process_data", **wanted)[0]


def test_each_status_of_a_task_has_its_reason(recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "queue_of", lambda queue: queue)
    later = a_task(scheduled_time=LATER)
    assert codes(later) == ["waits_for_its_time"]
    assert explain.of_task(later).next_look_at == LATER
    task = a_task(queue="reports")
    assert codes(task) == ["no_worker", "waits_for_worker"]
    ledger.claim(task.pk, 1, worker="me", now=NOW)
    assert codes(task) == ["runs"]
    ledger.cancel(task.pk, reason="by hand", now=NOW)
    assert codes(task) == ["has_ended"]


def test_the_limit_that_a_task_waits_for_is_named(recorded: RecordingExecutor, settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {"job:demo.process_data": {"concurrency": 1}}
    running, first, second = (a_task() for _ in range(3))
    for task in (running, first, second):
        ledger.claim(task.pk, 1, worker="me", now=NOW)
    assert codes(second) == ["waits_for_limit"]
    [reason] = explain.of_task(second).reasons
    said = "It waits for the limit job:demo.process_data (1 at once): running 1, waiting before it 1."
    assert reason.detail == f"{said} The next may start when one of these ends."
    assert explain.of_task(second).next_look_at is None
    ledger.cancel(running.pk, reason="enough", now=NOW)
    assert [one.pk for one in ledger.give_places([str(second.waits_for_limit)], now=NOW)] == [first.pk]
    assert codes(first) == ["not_handed_over"]


def test_the_rate_that_a_task_waits_for_says_when_it_is_looked_at(
    recorded: RecordingExecutor, settings: Settings
) -> None:
    settings.TANDEM_TASK_LIMITS = {"key:shop": {"rate": "1/h"}}
    for task in (started := a_task(limit_key="shop"), waits := a_task(limit_key="shop")):
        ledger.claim(task.pk, 1, worker="me", now=NOW)
    assert codes(started) == ["runs"]
    assert codes(waits) == ["waits_for_limit"]
    assert explain.of_task(waits).next_look_at == LATER


def test_a_broker_that_is_away_is_named(recorded: RecordingExecutor) -> None:
    recorded.error = "away"
    assert "not_handed_over" in codes(a_task())


def test_a_task_waits_for_the_one_before_it(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW)
    first, _ = schedules.trigger(schedule.pk, now=NOW)
    row = Task(schedule=schedule, name="n", job="demo.process_data", woken_by="beat", executor="worker")
    row.status = "SCHEDULED"
    ledger.record([row], NOW)
    [reason] = explain.of_task(row).reasons
    assert (reason.code, reason.detail) == ("waits_for_task", f"It waits for the end of task {first.pk}.")


def test_a_schedule_says_what_keeps_it(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW)
    assert codes(schedule) == ["not_due", "nobody_wakes"]
    schedules.trigger(schedule.pk, now=NOW)
    assert codes(schedule) == ["not_due", "nobody_wakes", "task_is_open"]
    schedules.pause(schedule.pk, now=NOW)
    assert codes(schedule)[0] == "paused"
    tasks.cancel(Task.objects.get().pk, now=NOW)
    assert codes(schedule)[-1] == "last_did_not_run"
    ended = a_schedule(now=NOW, ends_at=NOW.replace(microsecond=0) - timedelta(days=1))
    assert codes(ended)[0] == "never_due"
    Schedule.objects.filter(pk=ended.pk).update(next_due_at=NOW - timedelta(hours=1), sync_state="out_of_sync")
    assert codes(ended)[:2] == ["overdue", "not_in_sync"]
