"""`run`, the only path that runs a job, with jobs that these tests register."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from scheduling import clock, delivery, dispatch, ledger
from scheduling.execution import run, watch
from scheduling.execution.job_log import MOST_LINES
from scheduling.execution.run import run_attempt
from scheduling.job_context import JobContext
from scheduling.models import Task, TaskAttempt, TaskEvent, TaskLogLine
from tests.conftest import a_schedule, at
from tests.recording import SETTINGS_EXECUTORS
from tests.scheduling.execution.stored_jobs import a_task, ran

pytestmark = pytest.mark.django_db


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
        run_attempt(task.pk, 1, worker="test")
    assert runs == [task.pk]


def test_what_a_job_raises_is_its_tasks_failure(register: Callable[..., str]) -> None:
    def boom(context: JobContext) -> None:
        raise ValueError("no \x00 \ud800 good")

    task = ran(a_task(register(boom)))
    assert task.status == "FAILED"
    assert task.error == "ValueError: no \\u0000 \\ud800 good"
    assert "raise ValueError" in TaskAttempt.objects.get(task=task).traceback


def test_an_exception_that_ends_the_process_is_recorded_and_raised_again(register: Callable[..., str]) -> None:
    def leave(context: JobContext) -> None:
        raise SystemExit(3)

    task = a_task(register(leave))
    with pytest.raises(SystemExit):
        run_attempt(task.pk, 1, worker="test")
    task.refresh_from_db()
    assert (task.status, task.error) == ("FAILED", "SystemExit: 3")


def test_a_process_that_is_told_to_end_before_the_job_began_records_it_too(
    register: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(_: object) -> None:
        raise SystemExit(143)

    monkeypatch.setattr(watch.Watch, "__enter__", told)
    task = a_task(register(told))
    with pytest.raises(SystemExit):
        run_attempt(task.pk, 1, worker="test")
    task.refresh_from_db()
    assert (task.status, task.error) == ("FAILED", "SystemExit: 143")


def test_a_process_that_is_told_to_end_while_it_records_a_result_records_it_first(
    register: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, signals = ledger.complete, [SystemExit(143)]

    def told(task: Task, **arguments: Any) -> ledger.Ended | None:
        if signals:
            raise signals.pop()
        return real(task, **arguments)

    monkeypatch.setattr(ledger, "complete", told)

    def quick(context: JobContext) -> int:
        return 7

    task = a_task(register(quick))
    with pytest.raises(SystemExit):
        run_attempt(task.pk, 1, worker="test")
    task.refresh_from_db()
    assert (task.status, task.result) == ("COMPLETED", 7)


@pytest.mark.parametrize("value", [object(), {1: 2, "x": {3}}, float("nan"), "\x00", "x" * 2_000_000])
def test_a_result_that_cannot_be_kept_fails_the_task(register: Callable[..., str], value: object) -> None:
    def give(context: JobContext) -> object:
        return value

    task = ran(a_task(register(give)))
    assert task.status == "FAILED"
    assert task.error.startswith("UnusableResult: The result of the job ")


def test_an_unknown_job_or_parameters_that_no_longer_fit_fail_the_task(register: Callable[..., str]) -> None:
    def strict(context: JobContext, *, size: int) -> None:
        raise AssertionError("must not run")

    assert ran(a_task("test.gone")).error.startswith("UnknownJob: There is no job 'test.gone'")
    wrong = ran(a_task(register(strict), size="large"))
    assert wrong.status == "FAILED"
    assert wrong.error.startswith("InvalidRequest: ")


def test_what_a_job_logs_is_kept_within_bounds(register: Callable[..., str]) -> None:
    def chatty(context: JobContext) -> None:
        for number in range(MOST_LINES + 500):
            context.log.info("line %d\x00", number)

    task = ran(a_task(register(chatty)))
    assert task.status == "COMPLETED"
    lines = list(TaskLogLine.objects.filter(task=task).order_by("pk"))
    assert len(lines) == MOST_LINES
    assert (lines[0].level, lines[0].message, lines[0].attempt) == ("INFO", "line 0\\u0000", 1)
    assert lines[-1].message == "more was logged, and is not kept"


def test_progress_that_comes_too_fast_is_left_out_but_not_the_last(register: Callable[..., str]) -> None:
    def fast(context: JobContext) -> None:
        for step in range(1, 501):
            context.progress(step, 500)

    task = ran(a_task(register(fast)))
    assert task.progress == {"done": 500, "total": 500, "message": ""}
    assert TaskEvent.objects.filter(task=task, detail__has_key="progress").count() < 100


@pytest.mark.parametrize("times", [2, 20], ids=["for a while", "longer than all pauses"])
def test_a_database_that_is_away_does_not_lose_a_result(
    register: Callable[..., str], monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    # This process lives, so nobody else would ever give the attempt up.
    monkeypatch.setattr(run, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(connection, "close", lambda: None)
    real, troubles = ledger.complete, [OperationalError("away") for _ in range(times)]

    def troubled(task: Task, **arguments: Any) -> ledger.Ended | None:
        if troubles:
            raise troubles.pop()
        return real(task, **arguments)

    monkeypatch.setattr(ledger, "complete", troubled)

    def quick(context: JobContext) -> int:
        return 7

    assert ran(a_task(register(quick))).result == 7


def test_a_claim_whose_answer_was_lost_is_run_by_who_made_it(
    register: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(connection, "close", lambda: None)
    real, troubles = ledger.claim, [OperationalError("server closed the connection unexpectedly")]

    def cut_off(*where: int, **arguments: Any) -> Task | None:
        claimed = real(*where, **arguments)
        if troubles:
            raise troubles.pop()
        return claimed

    monkeypatch.setattr(ledger, "claim", cut_off)
    ended = ran(a_task(register(lambda context: context.attempt)))
    assert (ended.status, ended.result) == ("COMPLETED", 1)
    assert ended.attempts.count() == 1


def test_a_connection_that_died_since_the_last_task_costs_no_attempt(
    register: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(connection, "close", lambda: closed.append(True))
    troubles = [OperationalError("server closed the connection unexpectedly")]

    def told() -> datetime:
        if troubles:
            raise troubles.pop()
        return timezone.now()

    monkeypatch.setattr(clock, "now", told)
    assert ran(a_task(register(lambda context: context.attempt))).result == 1
    assert closed == [True]


def test_a_claim_that_failed_is_not_taken_from_who_got_it_meanwhile(
    register: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(connection, "close", lambda: None)
    real = ledger.claim

    def lost_to_another(task_id: int, attempt: int, **arguments: Any) -> Task | None:
        monkeypatch.setattr(ledger, "claim", real)
        real(task_id, attempt, **(arguments | {"process": "another"}))
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(ledger, "claim", lost_to_another)
    ended = ran(a_task(register(lambda context: context.attempt)))
    assert (ended.status, ended.process) == ("RUNNING", "another")


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
    delivery.submit(queued, now=minutes[-1])
    assert order == minutes
    assert set(Task.objects.values_list("status", flat=True)) == {"COMPLETED"}
    assert "inline on testhost, process " in TaskAttempt.objects.all()[0].worker
