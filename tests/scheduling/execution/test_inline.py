"""Tasks that run in the process that fired them, while other processes go on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from scheduling import delivery, ledger
from scheduling.job_context import JobContext
from scheduling.lifecycle import Status
from scheduling.models import Task
from scheduling.registry import _jobs, job
from scheduling.retry_policy import Retry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _jobs_of_this_module() -> Iterator[None]:
    def fail_at_first(_: JobContext) -> None:
        raise Retry("not yet", after=0)

    def be_overtaken(_: JobContext) -> None:
        # As the host's agent does each second.
        delivery.queue_due(now=timezone.now())

    for function in (fail_at_first, be_overtaken):
        job(f"test.{function.__name__}")(function)
    yield
    for name in ("test.fail_at_first", "test.be_overtaken"):
        _jobs.pop(name)


def test_an_attempt_that_came_due_during_the_submission_does_not_wait_for_a_minute() -> None:
    """The first task is tried again at once; the second one still runs when the agent finds that."""
    here = {"woken_by": "request", "executor": "inline", "host": django_settings.TANDEM_HOST, "status": "QUEUED"}
    retried = Task(name="a", job="test.fail_at_first", retries={"max": 3}, **here)
    other = Task(name="b", job="test.be_overtaken", **here)
    tasks = ledger.record([retried, other], timezone.now())
    assert delivery.submit(tasks, now=timezone.now()) == ""
    retried.refresh_from_db()
    assert (retried.status, retried.attempt, retried.sends) == (Status.QUEUED, 2, 0)
    soon = timezone.now() + timedelta(seconds=1)
    assert delivery.take_unclaimed(now=soon, host=django_settings.TANDEM_HOST) == [retried]
