"""What the caller of `run_attempt` learns of its end, and what a job learns of its own attempt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from scheduling import ledger
from scheduling.execution.run import AttemptOutcome, run_attempt
from scheduling.job_context import JobContext
from scheduling.lifecycle import Status
from scheduling.models import Task
from scheduling.registry import _jobs, job
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db

Body = Callable[[JobContext], object]
Run = Callable[[int], AttemptOutcome]


@pytest.fixture
def runs() -> Iterator[Callable[..., Run]]:
    """Makes a task whose job has this body; the answer runs the attempt of a number."""

    def make(body: Body, **fields: Any) -> Run:
        job("test.outcome")(body)
        task = a_task(a_schedule(job="test.outcome", **fields))
        return lambda attempt: run_attempt(task.pk, attempt, worker="test")

    yield make
    _jobs.pop("test.outcome")


def fine(context: JobContext) -> None:
    """Does nothing."""


def boom(context: JobContext) -> None:
    raise ValueError("as asked")


def asked_to_stop(context: JobContext) -> None:
    ledger.ask_to_stop(context.task_id, reason="not wanted", now=timezone.now())
    raise ValueError("stops with an error")


def given_up(context: JobContext) -> None:
    ledger.lose(Task.objects.get(pk=context.task_id), error="silent", now=timezone.now())


@pytest.mark.parametrize(
    ("body", "fields", "status"),
    [
        (fine, {}, Status.COMPLETED),
        (boom, {}, Status.FAILED),
        (boom, {"retries": {"max": 1}}, Status.RETRYING),
        (asked_to_stop, {}, Status.CANCELLED),
        (asked_to_stop, {"retries": {"max": 1}}, Status.CANCELLED),
        (given_up, {"on_lost": "retry"}, None),
    ],
)
def test_the_outcome_says_what_the_ledger_says(
    runs: Callable[..., Run], body: Body, fields: dict[str, Any], status: Status | None
) -> None:
    outcome = runs(body, **fields)(1)
    task = Task.objects.get()
    assert outcome.status == status
    assert status in {None, task.status}
    assert isinstance(outcome.error, ValueError) == (body in {boom, asked_to_stop})
    if status is Status.RETRYING:
        assert outcome.wait_until == task.wait_until


def test_a_lost_attempt_is_no_longer_mine_and_the_next_one_is(runs: Callable[..., Run]) -> None:
    answers: list[tuple[int, bool]] = []

    def body(context: JobContext) -> None:
        answers.append((context.attempt, context.still_mine()))
        if context.attempt == 1:
            given_up(context)
            ledger.queue_waiting([context.task_id], now=timezone.now())
            run(2)
            answers.append((1, context.still_mine()))

    run = runs(body, on_lost="retry")
    run(1)
    assert answers == [(1, True), (2, True), (1, False)]


@pytest.mark.parametrize("cancel", [ledger.cancel, ledger.ask_to_stop])
def test_a_cancelled_attempt_is_not_mine(runs: Callable[..., Run], cancel: Callable[..., bool]) -> None:
    answers: list[bool] = []

    def body(context: JobContext) -> None:
        assert cancel(context.task_id, reason="not wanted", now=timezone.now())
        answers.append(context.still_mine())

    runs(body)(1)
    assert answers == [False]


class Unreadable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def unreadable(context: JobContext) -> None:
    raise Unreadable


def test_an_exception_that_cannot_be_read_is_a_failure_all_the_same(runs: Callable[..., Run]) -> None:
    outcome = runs(unreadable)(1)
    assert outcome.status is Status.FAILED
    assert Task.objects.get().error == "Unreadable: its text cannot be read (RuntimeError)"
