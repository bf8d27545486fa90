"""One-off tasks: now or at a time, cancelling and retrying them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from scheduling import delivery, ledger, tasks
from scheduling.errors import InvalidRequest, NotFound
from scheduling.execution import run
from scheduling.execution.run import AttemptOutcome, run_attempt
from scheduling.models import Task
from scheduling.upkeep import lost_attempts
from scheduling.upkeep.sweep import sweep
from tests.conftest import at
from tests.process_rows import ended_process
from tests.recording import RecordingExecutor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recorded")]

NOW = at("2026-11-20 10:00")
LATER = at("2026-11-20 11:00")


def a_task(**wanted: Any) -> Task:
    """A one-off task that was created at NOW."""
    return tasks.create(now=NOW, **{"name": "a task", **wanted})[0]


@pytest.mark.parametrize("when", [None, NOW - timedelta(days=700), NOW])
def test_a_task_without_a_future_time_is_sent_at_once(recorded: RecordingExecutor, when: Any) -> None:
    task, said = tasks.create(now=NOW, name="a task", scheduled_time=when)
    assert (task.status, task.job, said) == ("QUEUED", "demo.process_data", "sent")
    assert recorded.submitted == [(task.pk, 1)]


def test_a_task_waits_for_its_time_as_a_row(recorded: RecordingExecutor) -> None:
    task = a_task(scheduled_time=LATER)
    assert (task.status, task.wait_until) == ("SCHEDULED", LATER)
    assert delivery.queue_due(now=LATER - timedelta(seconds=1)) == 0
    assert recorded.submitted == []
    assert delivery.queue_due(now=LATER) == 1
    assert recorded.submitted == [(task.pk, 1)]
    assert delivery.queue_due(now=LATER) == 0


def test_a_task_that_waits_is_not_mistaken_for_one_that_waits_for_another(recorded: RecordingExecutor) -> None:
    a_task(scheduled_time=LATER)
    sweep(now=NOW + timedelta(minutes=5))
    assert recorded.submitted == []


def test_an_inline_task_waits_for_the_agent_of_its_host(recorded: RecordingExecutor) -> None:
    task, said = tasks.create(now=NOW, name="here", executor="inline")
    assert said == "the agent on testhost"
    assert delivery.take_unclaimed(now=NOW, host=django_settings.TANDEM_HOST) == [task]
    assert recorded.submitted == []


def test_a_broker_that_is_away_is_said_and_the_task_is_kept(recorded: RecordingExecutor) -> None:
    recorded.error = "the broker is away"
    task, said = tasks.create(now=NOW, name="a task")
    assert said == "the broker is away"
    recorded.error = ""
    sweep(now=NOW + ledger.UNCLAIMED_AFTER)
    assert recorded.submitted == [(task.pk, 1)]


WRONG = [
    ({"name": ""}, "name"),
    ({"job": "nothing.at_all"}, "job"),
    ({"parameters": {"steps": "many"}}, "parameters.steps"),
    ({"executor": "nowhere"}, "executor"),
    ({"priority": 10}, "priority"),
    ({"priority": -1}, "priority"),
    ({"queue": "a b"}, "queue"),
    ({"retries": {"max": "x"}}, "retries.max"),
    ({"timeout": 0}, "timeout"),
    ({"timeout": 10, "soft_timeout": 10}, "soft_timeout"),
    ({"on_lost": "cry"}, "on_lost"),
    ({"expires": NOW}, "expires"),
    ({"scheduled_time": LATER, "expires": LATER}, "expires"),
    ({"executor": "inline", "host": "nowhere"}, "host"),
]


@pytest.mark.parametrize(("wanted", "field"), WRONG)
def test_a_wrong_request_is_refused_and_leaves_nothing(wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        a_task(**wanted)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert Task.objects.count() == 0


@pytest.mark.parametrize("when", [None, LATER])
def test_what_waits_is_cancelled_and_never_runs(when: Any) -> None:
    task = tasks.cancel(a_task(scheduled_time=when).pk, now=NOW)
    assert (task.status, task.reason) == ("CANCELLED", "cancelled by request")
    assert delivery.queue_due(now=LATER) == 0
    assert run_attempt(task.pk, 1, worker="test") == AttemptOutcome()
    task.refresh_from_db()
    assert task.status == "CANCELLED"


@pytest.mark.parametrize("when", [None, NOW - timedelta(days=1), LATER])
def test_a_task_keeps_the_time_that_was_asked_for(recorded: RecordingExecutor, when: Any) -> None:
    task = a_task(scheduled_time=when)
    assert task.due_at == when
    if task.status == "SCHEDULED":
        delivery.queue_due(now=LATER)
    assert ledger.claim(task.pk, 1, worker="me", now=LATER) is not None
    task.refresh_from_db()
    assert (task.due_at, task.wait_until, task.started_at) == (when, None, LATER)
    # Two tasks for the same time are two: only an occurrence of a schedule is unique.
    assert a_task(scheduled_time=when).pk != task.pk


def test_what_runs_is_asked_to_stop() -> None:
    task = a_task()
    ledger.claim(task.pk, 1, worker="me", now=NOW)
    for _ in range(2):
        asked = tasks.cancel(task.pk, now=NOW)
        assert (asked.status, asked.cancel_asked_at) == ("RUNNING", NOW)


def test_what_has_finished_is_not_cancelled() -> None:
    task = a_task()
    run_attempt(task.pk, 1, worker="test")
    with pytest.raises(tasks.AlreadyFinished, match="it is COMPLETED"):
        tasks.cancel(task.pk, now=NOW)
    with pytest.raises(NotFound):
        tasks.cancel(task.pk + 1, now=NOW)


def test_a_cancelled_task_can_be_repeated_and_keeps_its_attempts(recorded: RecordingExecutor) -> None:
    task = tasks.cancel(a_task().pk, now=NOW)
    repeated, said = tasks.retry(task.pk, now=LATER)
    assert (repeated.status, repeated.attempt, said) == ("QUEUED", 1, "sent")
    run_attempt(task.pk, 1, worker="test")
    task.refresh_from_db()
    assert task.status == "COMPLETED"
    with pytest.raises(tasks.NotRetryable, match="The task is COMPLETED: only one that is CANCELLED, FAILED, "):
        tasks.retry(task.pk, now=LATER)


def test_what_did_not_start_in_time_has_expired(recorded: RecordingExecutor) -> None:
    task = a_task(expires=LATER)
    assert ledger.claim(task.pk, 1, worker="me", now=LATER) is None
    sweep(now=LATER)
    task.refresh_from_db()
    assert (task.status, task.reason) == ("CANCELLED", "it expired before it could start")


LOST = [
    ("fail", {}, 1, "FAILED"),
    ("retry", {}, 1, "RETRYING"),
    ("retry", {}, 4, "FAILED"),
    ("retry", {"max": 9}, 9, "RETRYING"),
]


@pytest.mark.parametrize(("on_lost", "retries", "attempt", "status"), LOST)
def test_a_lost_attempt_follows_on_lost(on_lost: str, retries: dict[str, int], attempt: int, status: str) -> None:
    task = a_task(on_lost=on_lost, retries=retries)
    Task.objects.filter(pk=task.pk).update(attempt=attempt)
    ledger.claim(task.pk, attempt, worker="me", process=ended_process(), now=NOW)
    lost_attempts.lose_silent(now=NOW)
    task.refresh_from_db()
    assert (task.status, task.error) == (status, "Its process has ended.")


def test_an_attempt_that_was_asked_to_stop_and_is_lost_is_cancelled() -> None:
    task = a_task(on_lost="retry")
    ledger.claim(task.pk, 1, worker="me", process=ended_process(), now=NOW)
    tasks.cancel(task.pk, now=NOW)
    lost_attempts.lose_silent(now=LATER)
    task.refresh_from_db()
    assert task.status == "CANCELLED"


def test_what_ends_the_process_under_a_job_follows_on_lost_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    task = a_task(on_lost="retry")
    monkeypatch.setattr(run, "_end_of", leave)
    with pytest.raises(KeyboardInterrupt):
        run_attempt(task.pk, 1, worker="test")
    task.refresh_from_db()
    assert (task.status, task.error) == ("RETRYING", "KeyboardInterrupt: ")
    assert task.wait_until is not None
    assert task.wait_until <= timezone.now()
