"""Limits, cancellation and queues, on real workers and under cron. A job that ignores both loses its process."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from scheduling import tasks
from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation

pytestmark = pytest.mark.live


def a_queued_task(installation: Installation, job: str, **fields: Any) -> Task:
    """A queued task that is due to be handed over."""
    schedule = a_schedule(every=86_400, job=job, parameters={"path": str(installation.runs)})
    return a_task(schedule, send_at=timezone.now(), **fields)


def ended(task: Task) -> bool:
    task.refresh_from_db()
    return task.finished_at is not None


def test_a_worker_loses_the_process_of_a_job_beyond_its_limit_and_goes_on(on_postgres: Installation) -> None:
    hangs = a_queued_task(on_postgres, "live.hang", timeout=1)
    on_postgres.worker()
    on_postgres.beat()
    on_postgres.until(lambda: ended(hangs))
    assert (hangs.status, hangs.error) == (Status.FAILED, "HardLimit: The hard time limit of 1 s has passed.")
    following = a_queued_task(on_postgres, "live.append")
    on_postgres.until(lambda: ended(following))
    assert following.status == Status.COMPLETED


def test_under_cron_the_limit_ends_the_child(on_postgres: Installation) -> None:
    task = a_queued_task(
        on_postgres, "live.hang", timeout=1, soft_timeout=None, executor="inline", host=settings.TANDEM_HOST
    )
    wake_up = on_postgres.start("manage.py", "due")
    assert wake_up.wait() == 0
    assert "exit code -9" in wake_up.said()
    task.refresh_from_db()
    assert (task.status, task.error) == (Status.FAILED, "HardLimit: The hard time limit of 1 s has passed.")


def test_a_worker_takes_the_queues_it_was_started_for(on_postgres: Installation) -> None:
    elsewhere = a_queued_task(on_postgres, "live.append", queue="reports")
    here = a_queued_task(on_postgres, "live.append")
    on_postgres.worker()
    on_postgres.beat()
    on_postgres.until(lambda: ended(here))
    elsewhere.refresh_from_db()
    assert elsewhere.status == Status.QUEUED
    on_postgres.worker(name="reports", queue="reports")
    on_postgres.until(lambda: ended(elsewhere))
    assert elsewhere.status == Status.COMPLETED


@pytest.mark.drill
def test_a_job_that_does_not_heed_a_cancellation_is_ended_after_the_grace_periods(on_postgres: Installation) -> None:
    task = a_queued_task(on_postgres, "live.deaf")
    on_postgres.worker()
    on_postgres.beat()
    on_postgres.until(lambda: Task.objects.filter(pk=task.pk, status=Status.RUNNING).exists())
    tasks.cancel(task.pk, now=timezone.now())
    on_postgres.until(lambda: ended(task))
    assert task.status == Status.CANCELLED
