"""A failed attempt is followed by another, as the task, its job and the exception say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from scheduling import delivery
from scheduling.execution.run import run_attempt
from scheduling.job_context import JobContext
from scheduling.models import Task, TaskAttempt
from scheduling.registry import _jobs, job
from scheduling.retry_policy import LONGEST_WAIT, Retry, RetryPolicy
from tests.recording import SETTINGS_EXECUTORS
from tests.scheduling.execution.stored_jobs import a_task, ran

pytestmark = pytest.mark.django_db


def failing(times: int, exc: Exception) -> Callable[[JobContext], int]:
    """A job that raises so many times, then returns the number of its attempt."""

    def job_function(context: JobContext) -> int:
        if context.attempt <= times:
            raise exc
        return context.attempt

    return job_function


def attempts_until_the_end(task: Task) -> Task:
    """Run attempt after attempt, as if each wait were over at once."""
    for attempt in range(1, 10):
        run_attempt(task.pk, attempt, worker="test")
        task.refresh_from_db()
        if task.status != "RETRYING":
            return task
        delivery.queue_due(now=task.wait_until or timezone.now())
    return task


@pytest.mark.parametrize(
    ("times", "retries", "status", "attempts"),
    [(2, 2, "COMPLETED", 3), (3, 2, "FAILED", 3), (1, 0, "FAILED", 1), (1, 5, "COMPLETED", 2)],
)
def test_failures_are_retried_as_often_as_the_task_allows(
    register: Callable[..., str], settings: Settings, times: int, retries: int, status: str, attempts: int
) -> None:
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    task = a_task(register(failing(times, ValueError("not yet"))))
    Task.objects.filter(pk=task.pk).update(retries={"max": retries, "jitter": 0})
    task = attempts_until_the_end(task)
    assert task.status == status
    assert TaskAttempt.objects.filter(task=task).count() == attempts


def test_a_job_says_itself_how_its_failures_are_retried(settings: Settings) -> None:
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    policy = RetryPolicy(max=3, base=10, factor=3, jitter=0)
    for name, exc, status in (
        ("test.worth", ConnectionError("away"), "RETRYING"),
        ("test.hopeless", FileNotFoundError("gone"), "FAILED"),
        ("test.other", ValueError("wrong"), "FAILED"),
        ("test.asked", Retry("busy", after=120), "RETRYING"),
    ):
        job(name, retries=policy, retry_on=(OSError,), give_up_on=(FileNotFoundError,))(failing(1, exc))
        task = ran(a_task(name))
        _jobs.pop(name)
        assert task.status == status
        if task.wait_until is not None:
            wait = (task.wait_until - timezone.now()).total_seconds()
            assert wait == pytest.approx(120 if name == "test.asked" else 10, abs=5)


@pytest.mark.parametrize(
    ("after", "seconds"),
    [(-3600.0, 0.0), (0.0, 0.0), (120.0, 120.0), (2 * LONGEST_WAIT, LONGEST_WAIT), (float("inf"), LONGEST_WAIT)],
)
def test_a_job_cannot_ask_for_a_wait_out_of_bounds(register: Callable[..., str], after: float, seconds: float) -> None:
    task = a_task(register(failing(1, Retry("busy", after=after))))
    Task.objects.filter(pk=task.pk).update(retries={"max": 1})
    before = timezone.now()
    run_attempt(task.pk, 1, worker="test")
    wait_until = Task.objects.values_list("wait_until", flat=True).get(pk=task.pk)
    assert wait_until is not None
    assert timedelta() <= wait_until - before - timedelta(seconds=seconds) <= timezone.now() - before
