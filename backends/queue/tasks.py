"""What a worker does with a message: the Celery task `tandem.run`. A message holds (task_id, attempt), nothing else."""

from __future__ import annotations

import logging
from typing import Any

from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery import Task
from celery.exceptions import Ignore, Retry, TaskPredicate
from kombu.exceptions import OperationalError

from backends.queue.app import app
from scheduling import clock, delivery
from scheduling.execution.run import AttemptOutcome, error_line, run_attempt, worker_name
from scheduling.lifecycle import Status

log = logging.getLogger(__name__)

# A job may raise these. To Celery they mean more than a failure: to send the message again, or that a process has died.
_OF_CELERY = (TaskPredicate, Terminated, TimeLimitExceeded, WorkerLostError, MemoryError)


class JobFailed(Exception):
    """A job has raised an exception that means something else to Celery. It is the cause of this one."""


@app.task(name="tandem.run", bind=True, ignore_result=True)
def run(self: Task[..., Any], task_id: int, attempt: int) -> None:
    """Claim the attempt and run it. A message that arrives twice or too late finds nothing to claim: nothing runs.

    The ledger has recorded the end before anything is raised. What is raised only tells Celery of it, for its events,
    signals and log: the job's own exception when it has failed, Retry when another attempt follows (the ledger sends
    it, Celery sends nothing), Ignore when the task is cancelled or nothing was claimed.
    """
    outcome = run_attempt(task_id, attempt, worker=worker_name("worker"))
    delivery.hand_over(outcome.released, now=clock.now())
    # See backends.queue.app: the database connections have just worked.
    self.request.update(recorded=True)
    if outcome.status is not Status.COMPLETED:
        _raise(self, outcome)


def _raise(task: Task[..., Any], outcome: AttemptOutcome) -> None:
    if outcome.error is not None and outcome.status is Status.FAILED:
        raise _as_failure(outcome.error)
    if outcome.error is not None and outcome.status is Status.RETRYING:
        raise Retry(exc=_as_failure(outcome.error), when=outcome.wait_until) from outcome.error
    _tell_revoked(task)
    raise Ignore


def _as_failure(error: Exception) -> Exception:
    if not isinstance(error, _OF_CELERY):
        return error
    failed = JobFailed(error_line(error))
    failed.__cause__ = error
    return failed


def _tell_revoked(task: Task[..., Any]) -> None:
    """Celery sends no event after Ignore: Flower would show the message as started for ever."""
    if task.request.is_eager:
        return
    try:
        task.send_event("task-revoked", retry=False, terminated=False, signum=None, expired=False)
    except (OperationalError, OSError) as exc:
        log.warning("the event task-revoked was not sent: %s", exc)
