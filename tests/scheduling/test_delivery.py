"""Tasks are handed to their executors, in their order and on their host."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from scheduling import delivery, dispatch, dry_run, ledger
from scheduling.lifecycle import Status
from scheduling.models import Task, Workflow
from scheduling.upkeep.sweep import sweep
from tests.backends.stored_tasks import a_task, statuses
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


def test_in_a_dry_run_nothing_is_handed_over(recorded: RecordingExecutor) -> None:
    task = a_task(a_schedule(now=NOW), now=NOW)
    with dry_run.tried():
        assert delivery.hand_over([task], now=NOW) == delivery.NOT_IN_A_DRY_RUN
        assert delivery.hand_over([], now=NOW) == ""
    assert recorded.submitted == []


def test_an_agent_gets_only_tasks_that_it_was_given_and_that_are_queued() -> None:
    task = a_task(a_schedule(now=NOW, backend="crontab"), now=NOW)
    assert ledger.claim(task.pk, 1, worker="me", now=NOW) is not None
    queued = a_task(a_schedule(now=NOW), now=NOW)
    assert delivery.hand_over([task], now=DUE) == f"the agent on {django_settings.TANDEM_HOST}"
    assert dict(Task.objects.values_list("pk", "send_at")) == {task.pk: None, queued.pk: queued.send_at}


def test_what_is_not_late_keeps_its_time_when_others_are_taken() -> None:
    schedule = a_schedule(now=NOW)
    late, fresh = a_task(schedule, now=NOW), a_task(schedule, now=DUE)
    assert delivery.take_unclaimed(now=DUE) == [late]
    fresh.refresh_from_db()
    assert fresh.send_at == DUE + ledger.UNCLAIMED_AFTER


def test_nothing_is_released_where_nothing_waits_for_a_task_before_it() -> None:
    schedule, other = a_schedule(now=NOW, overlap="queue"), a_schedule(now=NOW, overlap="queue")
    a_task(schedule, now=NOW, status=Status.SCHEDULED, wait_until=DUE, send_at=None)
    a_task(other, now=NOW, status=Status.SCHEDULED, send_at=None)
    assert delivery.release(schedule.pk, now=NOW) == []
    assert delivery.release(None, now=NOW) == []
    assert set(Task.objects.values_list("status", flat=True)) == {"SCHEDULED"}


def test_other_schedules_and_ended_workflows_hold_nothing_back() -> None:
    schedule, other = a_schedule(now=NOW, overlap="queue"), a_schedule(now=NOW, overlap="queue")
    waits = a_task(schedule, now=NOW, status=Status.SCHEDULED, send_at=None)
    a_task(other, now=NOW)
    for of, status in ((other, Status.RUNNING), (schedule, Status.COMPLETED)):
        Workflow.objects.create(name="w", definition={}, schedule=of, status=status, created_at=NOW)
    assert delivery.release(schedule.pk, now=NOW) == [waits]
