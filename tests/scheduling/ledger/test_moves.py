"""Each move is one conditional UPDATE and one event. A second try of the same move changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import Task, TaskAttempt, TaskEvent
from tests.conftest import at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")
LATER = at("2026-11-20 10:01")


def a_task(status: Status = Status.QUEUED) -> Task:
    """A stored one-off task."""
    task = Task(name="a task", job="demo.process_data", woken_by="request", executor="worker", status=status)
    return ledger.record([task], NOW)[0]


def a_claimed_task() -> Task:
    """A task that runs."""
    task = ledger.claim(a_task().pk, 1, worker="me", now=NOW)
    assert task is not None
    return task


def log_of(task: Task) -> list[tuple[int, str]]:
    """Its events as (number, status)."""
    return list(TaskEvent.objects.filter(task=task).order_by("number").values_list("number", "status"))


def test_a_task_lives_from_queued_to_completed() -> None:
    task = a_claimed_task()
    assert ledger.progress(task, done=1, total=2, message="half", now=LATER)
    assert ledger.complete(task, result={"answer": 42}, now=LATER)
    task.refresh_from_db()
    assert (task.status, task.result, task.started_at, task.finished_at) == ("COMPLETED", {"answer": 42}, NOW, LATER)
    assert log_of(task) == [(1, "QUEUED"), (2, "RUNNING"), (3, "RUNNING"), (4, "COMPLETED")]
    assert task.events == 4
    attempt = TaskAttempt.objects.get(task=task)
    assert (attempt.number, attempt.status, attempt.worker, attempt.ended_at) == (1, "COMPLETED", "me", LATER)


def test_the_second_claim_finds_nothing() -> None:
    task = a_claimed_task()
    assert ledger.claim(task.pk, 1, worker="another", now=LATER) is None
    assert TaskAttempt.objects.get(task=task).worker == "me"
    assert log_of(task) == [(1, "QUEUED"), (2, "RUNNING")]


def test_a_queued_task_that_waits_for_a_time_is_not_claimed() -> None:
    task = a_task()
    Task.objects.filter(pk=task.pk).update(wait_until=LATER)
    assert ledger.claim(task.pk, 1, worker="me", now=NOW) is None
    Task.objects.filter(pk=task.pk).update(wait_until=None)
    assert ledger.claim(task.pk, 1, worker="me", now=NOW)


@pytest.mark.parametrize(
    ("waiting", "awaited"), [({}, True), ({"wait_until": LATER}, False), ({"schedule_id": 8}, False)]
)
def test_an_end_says_whether_a_task_of_its_schedule_waits_for_it(waiting: dict[str, Any], awaited: bool) -> None:
    first, second = (Task(schedule_id=7, job="a.job", woken_by="beat", executor="worker") for _ in range(2))
    first.status, second.status = Status.QUEUED, Status.SCHEDULED
    for name, value in waiting.items():
        setattr(second, name, value)
    ledger.record([first, second], NOW)
    running = ledger.claim(first.pk, 1, worker="me", now=NOW)
    assert running is not None
    ended = ledger.complete(running, result=None, now=LATER)
    assert ended == (Status.COMPLETED, awaited)


@pytest.mark.parametrize("end", [ledger.fail, partial(ledger.schedule_retry, wait_until=LATER)])
def test_what_is_not_told_is_empty(end: Callable[..., object]) -> None:
    task = a_claimed_task()
    assert task.process == ""
    assert end(task, error="no", now=LATER)
    assert TaskAttempt.objects.get(task=task).traceback == ""


@pytest.mark.parametrize("attempt", [0, 2])
def test_a_message_of_another_attempt_claims_nothing(attempt: int) -> None:
    task = a_task()
    assert ledger.claim(task.pk, attempt, worker="me", now=LATER) is None
    task.refresh_from_db()
    assert task.status == "QUEUED"


def test_a_message_of_an_unknown_task_claims_nothing() -> None:
    assert ledger.claim(2**40, 1, worker="me", now=NOW) is None


def test_a_cancelled_task_is_never_claimed() -> None:
    task = a_task()
    assert ledger.cancel(task.pk, reason="not needed", now=LATER)
    assert ledger.claim(task.pk, 1, worker="me", now=LATER) is None
    task.refresh_from_db()
    assert (task.status, task.reason, task.finished_at, task.send_at) == ("CANCELLED", "not needed", LATER, None)


def test_the_end_of_a_cancelled_run_does_not_count() -> None:
    task = a_claimed_task()
    assert ledger.cancel(task.pk, reason="stop", now=LATER)
    assert ledger.attempt_state(task) == (False, False)
    assert not ledger.complete(task, result="too late", now=LATER)
    assert not ledger.fail(task, error="too late", now=LATER)
    assert not ledger.progress(task, done=1, total=1, message="", now=LATER)
    task.refresh_from_db()
    assert (task.status, task.result) == ("CANCELLED", None)
    assert TaskAttempt.objects.get(task=task).status == "CANCELLED"


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_a_finished_task_stays_as_it_is(end: str) -> None:
    task = a_claimed_task()
    ledger.complete(task, result=1, now=NOW)
    before = log_of(task)
    moves: dict[str, Callable[[], object]] = {
        "complete": lambda: ledger.complete(task, result=2, now=LATER),
        "fail": lambda: ledger.fail(task, error="no", now=LATER),
        "cancel": lambda: ledger.cancel(task.pk, reason="no", now=LATER),
    }
    assert not moves[end]()
    task.refresh_from_db()
    assert (task.status, task.result, task.finished_at, task.error) == ("COMPLETED", 1, NOW, "")
    assert log_of(task) == before


def test_a_failure_keeps_error_and_traceback_within_bounds() -> None:
    task = a_claimed_task()
    assert ledger.fail(task, error="E\x00" * 50_000, traceback="\ud800" + "T" * 50_000, now=LATER)
    task.refresh_from_db()
    assert task.status == "FAILED"
    assert len(task.error) <= 7 * ledger.MOST_ERROR_CHARACTERS
    assert task.error.startswith("E\\u0000")
    assert TaskAttempt.objects.get(task=task).traceback.endswith("TTT")


def test_a_running_task_is_asked_to_stop_once() -> None:
    task = a_claimed_task()
    assert ledger.attempt_state(task) == (True, False)
    assert ledger.ask_to_stop(task.pk, reason="enough", now=LATER)
    assert not ledger.ask_to_stop(task.pk, reason="again", now=LATER)
    assert ledger.attempt_state(task) == (True, True)
    assert log_of(task) == [(1, "QUEUED"), (2, "RUNNING"), (3, "RUNNING")]
    assert not ledger.ask_to_stop(a_task().pk, reason="not running", now=LATER)


def test_only_what_waits_is_queued_and_only_once() -> None:
    waiting, running, queued = a_task(Status.SCHEDULED), a_claimed_task(), a_task()
    ids = [waiting.pk, running.pk, queued.pk]
    assert [task.pk for task in ledger.queue_waiting(ids, now=LATER)] == [waiting.pk]
    assert ledger.queue_waiting(ids, now=LATER) == []
    assert log_of(waiting) == [(1, "SCHEDULED"), (2, "QUEUED")]


def test_a_cancellation_ends_the_attempt_that_runs_and_no_earlier_one() -> None:
    task = a_claimed_task()
    ledger.schedule_retry(task, error="not yet", wait_until=NOW, now=NOW)
    ledger.queue_waiting([task.pk], now=NOW)
    ledger.claim(task.pk, 2, worker="me", now=NOW)
    assert ledger.cancel(task.pk, reason="enough", now=LATER)
    attempts = TaskAttempt.objects.filter(task=task).order_by("number").values_list("status", "ended_at")
    assert list(attempts) == [("FAILED", NOW), ("CANCELLED", LATER)]


def test_a_move_inside_a_transaction_costs_no_savepoint() -> None:
    task = a_task()
    with CaptureQueriesContext(connection) as queries:
        claimed = ledger.claim(task.pk, 1, worker="me", now=NOW)
        assert claimed is not None
        ledger.fail(claimed, error="no", now=NOW)
        claimed.refresh_from_db()
        assert ledger.retry(claimed, now=LATER)
    assert [query["sql"] for query in queries if "SAVEPOINT" in query["sql"]] == []


def test_what_has_expired_is_not_claimed() -> None:
    task = a_task()
    Task.objects.filter(pk=task.pk).update(expires=NOW)
    assert ledger.claim(task.pk, 1, worker="me", now=NOW) is None


def test_sending_again_waits_twice_as_long_each_time() -> None:
    task = a_task()
    waits = []
    for _ in range(8):
        task.refresh_from_db()
        ledger.sent([task], now=NOW)
        task.refresh_from_db()
        assert task.send_at is not None
        waits.append(int((task.send_at - NOW).total_seconds()))
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_what_was_claimed_meanwhile_is_not_sent_again() -> None:
    task = a_task()
    ledger.claim(task.pk, 1, worker="me", now=NOW)
    ledger.sent([task], now=NOW)
    task.refresh_from_db()
    assert task.send_at is None


@pytest.mark.parametrize("move", ["fail", "schedule_retry", "lose"])
def test_an_attempt_that_fails_after_it_was_asked_to_stop_is_the_last(move: str) -> None:
    task = a_claimed_task()
    Task.objects.filter(pk=task.pk).update(on_lost="retry")
    task.refresh_from_db()
    assert ledger.ask_to_stop(task.pk, reason="enough", now=NOW)
    # The caller's own copy was read before somebody asked.
    more = {"wait_until": LATER} if move == "schedule_retry" else {}
    assert getattr(ledger, move)(task, error="no", now=LATER, **more)
    task.refresh_from_db()
    assert (task.status, task.reason, task.error, task.attempt) == ("CANCELLED", "enough", "no", 1)
    assert (task.finished_at, task.wait_until, task.send_at) == (LATER, None, None)
    [attempt] = TaskAttempt.objects.filter(task=task)
    assert (attempt.status, attempt.error) == ("CANCELLED", "no")
    assert log_of(task)[-1] == (4, "CANCELLED")
    assert TaskEvent.objects.get(task=task, number=4).detail == {"reason": "enough"}


def test_what_was_asked_to_stop_is_not_claimed() -> None:
    task = a_task()
    Task.objects.filter(pk=task.pk).update(cancel_asked_at=NOW)
    assert ledger.claim(task.pk, 1, worker="me", now=LATER) is None


def test_nothing_ends_before_it_started_when_another_clock_is_behind() -> None:
    task = ledger.claim(a_task().pk, 1, worker="its clock is ahead", now=LATER)
    assert task is not None
    assert ledger.lose(task, error="it is gone", now=NOW)
    task.refresh_from_db()
    assert (task.started_at, task.finished_at) == (LATER, LATER)
    assert TaskAttempt.objects.get(task=task).ended_at == LATER


@pytest.mark.parametrize("in_bulk", [False, True])
def test_a_cancellation_that_waited_for_the_database_does_not_end_before_the_start(in_bulk: bool) -> None:
    task = ledger.claim(a_task().pk, 1, worker="me", now=LATER)
    assert task is not None
    assert ledger.schedule_retry(task, error="x", wait_until=LATER, now=LATER)
    if in_bulk:
        ledger.cancel_unclaimed([task.pk], reason="no", now=NOW)
    else:
        assert ledger.cancel(task.pk, reason="no", now=NOW)
    task.refresh_from_db()
    assert (task.status, task.started_at, task.finished_at) == ("CANCELLED", LATER, LATER)
