"""The one Celery task, and the database connection it works on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery.exceptions import Ignore, Reject, Retry
from django.db import connection
from django.utils import timezone

from backends.queue.tasks import JobFailed, run
from scheduling import delivery, ledger
from scheduling.job_context import JobContext
from scheduling.lifecycle import Status
from scheduling.registry import _jobs, job
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor

_raised: list[Exception] = []


@pytest.fixture
def ending_jobs() -> Iterator[None]:
    """Jobs that end in each way. `test.fails` raises what is in `_raised`, or else a ValueError."""

    def fails(context: JobContext) -> None:
        raise _raised.pop() if _raised else ValueError("as asked")

    def is_cancelled(context: JobContext) -> None:
        ledger.cancel(context.task_id, reason="not wanted", now=timezone.now())

    job("test.fails", retry_on=(ValueError,))(fails)
    job("test.is_cancelled")(is_cancelled)
    yield
    _jobs.pop("test.fails")
    _jobs.pop("test.is_cancelled")


@pytest.mark.django_db(transaction=True)
def test_a_message_runs_its_attempt_once_however_often_it_comes(recorded: RecordingExecutor) -> None:
    task = a_task(a_schedule(parameters={"steps": 1}))
    for _ in range(3):
        run.apply(args=(task.pk, 1), throw=True)
    task.refresh_from_db()
    assert task.status == Status.COMPLETED
    assert task.result == {"message": "Data processed successfully"}
    assert task.attempts.count() == 1
    assert recorded.submitted == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("attempt", "status"), [(2, Status.QUEUED), (1, Status.CANCELLED)])
def test_a_message_for_another_attempt_or_a_cancelled_task_runs_nothing(attempt: int, status: Status) -> None:
    task = a_task(a_schedule(), status=status)
    run.apply(args=(task.pk, attempt), throw=True)
    task.refresh_from_db()
    assert task.status == status
    assert task.attempts.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_message_for_a_task_that_is_gone_is_no_error() -> None:
    run.apply(args=(4711, 1), throw=True)


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_task_sends_the_one_that_waited_for_it(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(overlap="queue")
    first, second = a_task(schedule), a_task(schedule, status=Status.SCHEDULED, send_at=None)
    run.apply(args=(first.pk, 1), throw=True)
    assert recorded.submitted == [(second.pk, 1)]


@pytest.mark.django_db(transaction=True)
def test_a_released_task_of_another_machines_crontab_is_left_to_its_agent(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(overlap="queue")
    first = a_task(schedule)
    second = a_task(schedule, status=Status.SCHEDULED, send_at=None, executor="inline", host="another")
    run.apply(args=(first.pk, 1), throw=True)
    second.refresh_from_db()
    assert second.status == Status.QUEUED
    assert recorded.submitted == []
    later = timezone.now() + ledger.UNCLAIMED_AFTER
    assert delivery.take_unclaimed(now=later, host="another") == [second]


@pytest.mark.django_db(transaction=True)
def test_the_database_connection_is_kept_after_success_and_closed_after_trouble() -> None:
    task = a_task(a_schedule(parameters={"steps": 1}))
    run.apply(args=(task.pk, 1), throw=True)
    assert connection.connection is not None
    assert run.apply(args=("no number", 1)).state == "FAILURE"
    assert connection.connection is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("job", "retries", "state"),
    [("test.fails", {}, "FAILURE"), ("test.fails", {"max": 1}, "RETRY"), ("test.is_cancelled", {}, "IGNORED")],
)
def test_celery_is_told_how_it_ended_and_the_connection_is_kept(
    ending_jobs: None, job: str, retries: dict[str, int], state: str
) -> None:
    task = a_task(a_schedule(job=job, retries=retries))
    assert run.apply(args=(task.pk, 1)).state == state
    assert connection.connection is not None
    assert task.attempts.count() == 1


@pytest.mark.django_db(transaction=True)
def test_celery_gets_the_exception_of_the_job(ending_jobs: None) -> None:
    task = a_task(a_schedule(job="test.fails"))
    told = run.apply(args=(task.pk, 1))
    assert isinstance(told.result, ValueError)
    assert "in fails" in str(told.traceback)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("raised", [Reject("no", requeue=True), Ignore(), Retry(), MemoryError("much")])
def test_an_exception_that_means_more_to_celery_is_only_a_failure(ending_jobs: None, raised: Exception) -> None:
    _raised.append(raised)
    task = a_task(a_schedule(job="test.fails"))
    told = run.apply(args=(task.pk, 1))
    assert told.state == "FAILURE"
    assert isinstance(told.result, JobFailed)
    assert told.result.__cause__ is raised
    task.refresh_from_db()
    assert task.status == Status.FAILED


@pytest.mark.django_db(transaction=True)
def test_what_waited_for_a_job_that_fails_is_sent_before_celery_is_told(
    recorded: RecordingExecutor, ending_jobs: None
) -> None:
    schedule = a_schedule(overlap="queue", job="test.fails")
    first, second = a_task(schedule), a_task(schedule, status=Status.SCHEDULED, send_at=None)
    assert run.apply(args=(first.pk, 1)).state == "FAILURE"
    assert recorded.submitted == [(second.pk, 1)]


@pytest.mark.django_db(transaction=True)
def test_a_message_that_runs_nothing_is_ignored_by_celery() -> None:
    assert str(run.apply(args=(4711, 1)).state) == "IGNORED"
