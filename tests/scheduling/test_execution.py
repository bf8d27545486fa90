"""The only path that runs a job, with real jobs registered for these tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from scheduling import dispatch, execution, ledger
from scheduling.context import JobContext
from scheduling.models import Task, TaskAttempt, TaskEvent
from scheduling.registry import _jobs, job
from tests.conftest import a_schedule, at
from tests.recording import SETTINGS_EXECUTORS

pytestmark = pytest.mark.django_db


@pytest.fixture
def register() -> Iterator[Callable[[Callable[..., Any]], str]]:
    """Registers a function as a job for one test; gives the job's name."""
    names = []

    def add(function: Callable[..., Any]) -> str:
        name = f"test.{function.__name__}"
        job(name)(function)
        names.append(name)
        return name

    yield add
    for name in names:
        _jobs.pop(name)


def a_task(name: str, **parameters: Any) -> Task:
    """A queued task of the job."""
    task = Task(name="t", job=name, parameters=parameters, woken_by="request", executor="worker", status="QUEUED")
    return ledger.record([task], timezone.now())[0]


def ran(task: Task) -> Task:
    """The task after one run of its first attempt."""
    execution.run(task.pk, 1, worker="test")
    task.refresh_from_db()
    return task


def test_a_job_gets_its_context_and_parameters_and_its_result_is_kept(register: Callable[..., str]) -> None:
    def add(context: JobContext, *, left: int, right: int = 2) -> dict[str, int]:
        context.progress(1, 1, "added")
        return {"sum": left + right, "task": context.task_id, "attempt": context.attempt}

    task = ran(a_task(register(add), left=40))
    assert (task.status, task.result) == ("COMPLETED", {"sum": 42, "task": task.pk, "attempt": 1})
    assert task.progress == {"done": 1, "total": 1, "message": "added"}
    events = TaskEvent.objects.filter(task=task).order_by("number").values_list("status", flat=True)
    assert list(events) == ["QUEUED", "RUNNING", "RUNNING", "COMPLETED"]


def test_a_second_delivery_does_not_run_the_job(register: Callable[..., str]) -> None:
    runs = []

    def count(context: JobContext) -> None:
        runs.append(context.task_id)

    task = a_task(register(count))
    for _ in range(3):
        execution.run(task.pk, 1, worker="test")
    assert runs == [task.pk]


def test_what_a_job_raises_is_its_tasks_failure(register: Callable[..., str]) -> None:
    def boom(context: JobContext) -> None:
        raise ValueError("no \x00 \ud800 good")

    task = ran(a_task(register(boom)))
    assert task.status == "FAILED"
    assert task.error == "ValueError: no \\u0000 \\ud800 good"
    assert "raise ValueError" in TaskAttempt.objects.get(task=task).traceback


def test_what_ends_the_process_is_recorded_and_goes_on(register: Callable[..., str]) -> None:
    def leave(context: JobContext) -> None:
        raise SystemExit(3)

    task = a_task(register(leave))
    with pytest.raises(SystemExit):
        execution.run(task.pk, 1, worker="test")
    task.refresh_from_db()
    assert (task.status, task.error) == ("FAILED", "SystemExit: 3")


@pytest.mark.parametrize("value", [object(), {1: 2, "x": {3}}, float("nan"), "\x00", "x" * 2_000_000])
def test_a_result_that_cannot_be_kept_fails_the_task(register: Callable[..., str], value: object) -> None:
    def give(context: JobContext) -> object:
        return value

    task = ran(a_task(register(give)))
    assert task.status == "FAILED"
    assert task.error.startswith("UnusableResult: What the job returned ")


def test_an_unknown_job_or_parameters_that_no_longer_fit_fail_the_task(register: Callable[..., str]) -> None:
    def strict(context: JobContext, *, size: int) -> None:
        raise AssertionError("must not run")

    assert ran(a_task("test.gone")).error.startswith("UnknownJob: There is no job 'test.gone'")
    wrong = ran(a_task(register(strict), size="large"))
    assert wrong.status == "FAILED"
    assert wrong.error.startswith("InvalidRequest: ")


def test_a_cancelled_job_sees_it_and_its_result_does_not_count(register: Callable[..., str]) -> None:
    seen = []

    def patient(context: JobContext) -> str:
        seen.append(context.cancelled)
        ledger.cancel(context.task_id, reason="enough", now=timezone.now())
        seen.append(context.cancelled)
        return "too late"

    task = ran(a_task(register(patient)))
    assert seen == [False, True]
    assert (task.status, task.result, task.reason) == ("CANCELLED", None, "enough")


@pytest.mark.django_db(transaction=True)
def test_a_long_job_says_that_it_is_alive(register: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "HEARTBEAT", timedelta(milliseconds=5))
    beaten = threading.Event()
    real = ledger.heartbeat

    def noticed(task: Task, **arguments: Any) -> bool:
        found = real(task, **arguments)
        beaten.set()
        return found

    monkeypatch.setattr(ledger, "heartbeat", noticed)

    def long(context: JobContext) -> bool:
        return beaten.wait(30)

    task = ran(a_task(register(long)))
    assert task.result is True
    assert task.started_at is not None
    assert task.heartbeat_at is not None
    assert task.heartbeat_at > task.started_at


def test_a_database_that_is_away_for_a_while_does_not_lose_a_result(
    register: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(connection, "close", lambda: None)
    real, troubles = ledger.complete, [OperationalError("away"), OperationalError("away")]

    def troubled(task: Task, **arguments: Any) -> bool:
        if troubles:
            raise troubles.pop()
        return real(task, **arguments)

    monkeypatch.setattr(ledger, "complete", troubled)

    def quick(context: JobContext) -> int:
        return 7

    assert ran(a_task(register(quick))).result == 7


def test_inline_runs_here_and_goes_on_with_what_it_released(register: Callable[..., str], settings: Settings) -> None:
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    order = []

    def note(context: JobContext) -> None:
        order.append(context.due_at)

    schedule = a_schedule(
        now=at("2026-11-20 10:00"), job=register(note), cron="* * * * *", backend="crontab", overlap="queue"
    )
    minutes = [at(f"2026-11-20 10:0{minute}") for minute in (1, 2, 3)]
    queued = [task for now in minutes for task in dispatch.fire(schedule.pk, now=now, woken_by="crontab")]
    assert len(queued) == 1
    dispatch.submit(queued, now=minutes[-1])
    assert order == minutes
    assert set(Task.objects.values_list("status", flat=True)) == {"COMPLETED"}
    assert "inline on testhost, process " in TaskAttempt.objects.all()[0].worker
