"""Tasks are handed to their executors, in their order and on their host."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from scheduling import delivery, dispatch, ledger
from scheduling.upkeep.sweep import sweep
from tests.backends.stored_tasks import statuses
from tests.conftest import a_schedule, at
from tests.recording import RecordingExecutor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recorded")]

NOW = at("2026-11-20 10:00")
DUE = at("2026-11-20 10:05")


def test_queue_runs_one_after_the_other(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW, overlap="queue")
    for minute in ("10:05", "10:10", "10:15"):
        dispatch.dispatch_due("beat", now=at(f"2026-11-20 {minute}"))
    assert statuses(schedule) == ["QUEUED", "SCHEDULED", "SCHEDULED"]
    assert delivery.release(schedule.pk, now=DUE) == []
    first = ledger.claim(recorded.submitted[0][0], 1, worker="me", now=DUE)
    assert first is not None
    ledger.complete(first, result=None, now=DUE)
    [second] = delivery.release(schedule.pk, now=DUE)
    assert (second.due_at, second.status) == (at("2026-11-20 10:10"), "QUEUED")
    assert delivery.release(schedule.pk, now=DUE) == []


def test_inline_tasks_are_left_to_their_host(recorded: RecordingExecutor) -> None:
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
