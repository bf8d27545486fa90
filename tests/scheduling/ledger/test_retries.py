"""Another attempt: the one that a policy asks for, and the one that a person asks for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import Task, TaskAttempt
from tests.conftest import at
from tests.scheduling.ledger.test_moves import a_claimed_task, a_task
from tests.scheduling.ledger.test_rows import columns, failed, queued, running

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")
LATER = at("2026-11-20 10:01")


def test_a_retry_is_another_attempt_of_the_same_task() -> None:
    task = a_claimed_task()
    assert ledger.schedule_retry(task, error="not yet", wait_until=LATER, now=NOW)
    task.refresh_from_db()
    assert (task.status, task.attempt, task.wait_until, task.finished_at) == ("RETRYING", 2, LATER, None)
    assert ledger.claim(task.pk, 1, worker="late message", now=LATER) is None
    [queued] = ledger.queue_waiting([task.pk], now=LATER)
    assert (queued.status, queued.attempt, queued.wait_until) == ("QUEUED", 2, None)
    assert ledger.claim(task.pk, 1, worker="late message", now=LATER) is None
    again = ledger.claim(task.pk, 2, worker="me", now=LATER)
    assert again is not None
    assert ledger.complete(again, result="at last", now=LATER)
    task.refresh_from_db()
    assert (task.status, task.error) == ("COMPLETED", "")
    attempts = TaskAttempt.objects.filter(task=task).order_by("number").values_list("number", "status", "error")
    assert list(attempts) == [(1, "FAILED", "not yet"), (2, "COMPLETED", "")]


@pytest.mark.parametrize("status", [Status.MISSED, Status.SKIPPED])
def test_a_task_that_did_not_run_can_be_retried(status: Status) -> None:
    task = a_task(status)
    # That another one ran makes no difference.
    a_claimed_task()
    Task.objects.filter(pk=task.pk).update(finished_at=NOW)
    assert ledger.retry(task, now=LATER)
    task.refresh_from_db()
    assert (task.status, task.attempt, task.finished_at) == ("QUEUED", 1, None)


def test_a_failed_task_is_retried_once_as_a_new_attempt() -> None:
    task = a_claimed_task()
    ledger.fail(task, error="no", now=NOW)
    task.refresh_from_db()
    assert ledger.retry(task, now=LATER)
    assert not ledger.retry(task, now=LATER)
    task.refresh_from_db()
    assert (task.status, task.attempt, task.error) == ("QUEUED", 2, "")


def test_a_retry_takes_the_attempt_that_never_ran() -> None:
    task = a_claimed_task()
    ledger.schedule_retry(task, error="not yet", wait_until=LATER, now=NOW)
    ledger.cancel(task.pk, reason="enough", now=NOW)
    task.refresh_from_db()
    assert ledger.retry(task, now=LATER)
    task.refresh_from_db()
    assert (task.status, task.attempt) == ("QUEUED", 2)


def test_a_retry_that_is_asked_for_of_an_earlier_attempt_does_nothing() -> None:
    task = a_claimed_task()
    ledger.fail(task, error="no", now=NOW)
    task.refresh_from_db()
    before = Task.objects.get(pk=task.pk)
    assert ledger.retry(task, now=NOW)
    again = ledger.claim(task.pk, 2, worker="me", now=NOW)
    assert again is not None
    ledger.fail(again, error="no", now=NOW)
    assert not ledger.retry(before, now=LATER)
    task.refresh_from_db()
    assert (task.status, task.attempt) == ("FAILED", 2)


def test_a_retry_keeps_nothing_of_the_attempt_before() -> None:
    task = a_task()
    told = {"result": {"half": 1}, "error": "no", "reason": "enough", "progress": {"done": 1}, "sends": 3}
    times = dict.fromkeys(("started_at", "finished_at", "cancel_asked_at", "expires"), NOW)
    Task.objects.filter(pk=task.pk).update(status=Status.FAILED, send_at=None, **told, **times)
    task.refresh_from_db()
    assert ledger.retry(task, now=LATER)
    task.refresh_from_db()
    assert {name: getattr(task, name) for name in told} == {
        "result": None, "error": "", "reason": "", "progress": None, "sends": 0,
    }  # fmt: skip
    assert {name: getattr(task, name) for name in times} == dict.fromkeys(times)
    assert task.send_at == LATER + ledger.UNCLAIMED_AFTER


def test_neither_what_completed_nor_what_is_open_is_retried() -> None:
    done, running = a_claimed_task(), a_claimed_task()
    ledger.complete(done, result=1, now=NOW)
    for task in (done, running, a_task(), a_task(Status.SCHEDULED)):
        task.refresh_from_db()
        assert not ledger.retry(task, now=LATER)


def cancelled_before_its_second_attempt() -> Task:
    task = running()
    ledger.schedule_retry(task, error="no", wait_until=NOW, now=NOW)
    ledger.cancel(task.pk, reason="enough", now=NOW)
    task.refresh_from_db()
    return task


def cancelled_before_its_first_attempt() -> Task:
    task = queued()
    ledger.cancel(task.pk, reason="enough", now=NOW)
    task.refresh_from_db()
    return task


@pytest.mark.parametrize(
    ("finished", "attempt"),
    [(failed, 2), (cancelled_before_its_second_attempt, 2), (cancelled_before_its_first_attempt, 1)],
)
def test_an_attempt_that_has_not_begun_is_the_next_one_also_in_bulk(finished: Callable[[], Task], attempt: int) -> None:
    one, in_bulk = finished(), finished()
    assert ledger.retry(one, now=LATER)
    with transaction.atomic():
        ledger.retry_all([in_bulk], now=LATER)
    assert [columns(task)["attempt"] for task in (one, in_bulk)] == [attempt, attempt]
