"""Tasks are handed to their executors, in their order and on their host."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from scheduling import delivery, dispatch, ledger
from scheduling.executor import executor
from scheduling.models import Schedule, Task
from scheduling.upkeep.sweep import sweep
from tests.conftest import a_schedule, at
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


def test_queue_runs_one_after_the_other(worker: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW, overlap="queue")
    for minute in ("10:05", "10:10", "10:15"):
        dispatch.dispatch_due("beat", now=at(f"2026-11-20 {minute}"))
    assert statuses(schedule) == ["QUEUED", "SCHEDULED", "SCHEDULED"]
    assert delivery.release(schedule.pk, now=DUE) == []
    first = ledger.claim(worker.submitted[0][0], 1, worker="me", now=DUE)
    assert first is not None
    ledger.complete(first, result=None, now=DUE)
    [second] = delivery.release(schedule.pk, now=DUE)
    assert (second.due_at, second.status) == (at("2026-11-20 10:10"), "QUEUED")
    assert delivery.release(schedule.pk, now=DUE) == []


def test_inline_tasks_are_left_to_their_host(worker: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW, backend="crontab")
    [task] = dispatch.fire(schedule.pk, now=DUE, woken_by="crontab")
    assert (task.executor, task.host) == ("inline", django_settings.TANDEM_HOST)
    later = DUE + timedelta(minutes=1)
    sweep(now=later)
    assert delivery.take_unclaimed(now=later, host="elsewhere") == []
    assert delivery.take_unclaimed(now=later, host=django_settings.TANDEM_HOST) == [task]
    assert delivery.take_unclaimed(now=later, host=django_settings.TANDEM_HOST) == []
    task.refresh_from_db()
    assert task.status == "QUEUED"
