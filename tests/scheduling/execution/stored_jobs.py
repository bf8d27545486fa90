"""Tasks of jobs that a test registers, and one run of them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from scheduling import ledger
from scheduling.execution.run import run_attempt
from scheduling.models import Task


def a_task(name: str, **parameters: Any) -> Task:
    """A queued task of the job."""
    task = Task(name="t", job=name, parameters=parameters, woken_by="request", executor="worker", status="QUEUED")
    return ledger.record([task], timezone.now())[0]


def ran(task: Task) -> Task:
    """The task after one run of its first attempt."""
    run_attempt(task.pk, 1, worker="test")
    task.refresh_from_db()
    return task
