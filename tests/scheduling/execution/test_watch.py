"""What is noticed while a job runs: that its process lives, a cancellation, the soft timeout."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from scheduling import ledger, processes
from scheduling.execution import watch, watch_thread
from scheduling.execution.interruption import SoftLimit
from scheduling.job_context import JobContext
from scheduling.models import Process, Task
from tests.scheduling.execution.stored_jobs import a_task, ran

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that looks every few milliseconds, with grace periods to match."""
    monkeypatch.setattr(watch_thread, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(watch, "STOP_GRACE", timedelta(milliseconds=50))
    monkeypatch.setattr(processes, "PULSE_EVERY", timedelta(milliseconds=5))


def until(condition: Callable[[], bool]) -> bool:
    """Wait until the condition holds, at most half a minute."""
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def test_a_long_job_says_that_it_is_alive(register: Callable[..., str]) -> None:
    def long(context: JobContext) -> bool:
        mine = Process.objects.filter(key=Task.objects.get(pk=context.task_id).process)
        return until(lambda: mine.filter(pulse__gt=0).exists())

    assert ran(a_task(register(long))).result is True
    # It ended as it should: nobody need remember it.
    assert not Process.objects.exists()


def test_a_job_that_heeds_a_cancellation_ends_as_cancelled(register: Callable[..., str]) -> None:
    def patient(context: JobContext) -> str:
        ledger.ask_to_stop(context.task_id, reason="enough", now=timezone.now())
        assert until(lambda: context.cancelled)
        return "what was done so far"

    task = ran(a_task(register(patient)))
    assert (task.status, task.result, task.reason) == ("CANCELLED", None, "enough")


def test_a_job_that_does_not_heed_it_is_interrupted_in_the_middle_of_a_system_call(
    register: Callable[..., str],
) -> None:
    def stubborn(context: JobContext) -> str:
        ledger.ask_to_stop(context.task_id, reason="enough", now=timezone.now())
        try:
            time.sleep(60)
        except Exception:  # noqa: BLE001 - a job that swallows everything it can
            return "never"
        return "never either"

    task = ran(a_task(register(stubborn)))
    assert (task.status, task.reason) == ("CANCELLED", "enough")


def test_the_soft_timeout_is_an_exception_the_job_can_answer(register: Callable[..., str]) -> None:
    def slow(context: JobContext) -> str:
        try:
            time.sleep(60)
        except SoftLimit as exc:
            return str(exc)
        return "never"

    task = a_task(register(slow))
    Task.objects.filter(pk=task.pk).update(soft_timeout=0)
    assert ran(task).result == "The soft time limit of 0 s has passed."


def test_a_job_that_does_not_answer_the_soft_timeout_has_failed(register: Callable[..., str]) -> None:
    def slow(context: JobContext) -> None:
        time.sleep(60)

    task = a_task(register(slow))
    Task.objects.filter(pk=task.pk).update(soft_timeout=0)
    assert ran(task).error.startswith("SoftLimit: ")
