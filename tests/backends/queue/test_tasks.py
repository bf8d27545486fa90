"""The one Celery task, and the database connection it works on."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from backends.queue.tasks import run
from scheduling import delivery, ledger
from scheduling.executor import executor
from scheduling.lifecycle import Status
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.recording import SETTINGS_EXECUTORS, RecordingExecutor


@pytest.fixture
def recorded(settings: Settings) -> RecordingExecutor:
    """The messages that were recorded instead of published."""
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    found = executor("worker")
    assert isinstance(found, RecordingExecutor)
    return found


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
    later = timezone.now() + ledger.HAND_OVER
    assert delivery.take_unclaimed(now=later, host="another") == [second]


@pytest.mark.django_db(transaction=True)
def test_the_database_connection_is_kept_after_success_and_closed_after_trouble() -> None:
    task = a_task(a_schedule(parameters={"steps": 1}))
    run.apply(args=(task.pk, 1), throw=True)
    assert connection.connection is not None
    assert run.apply(args=("no number", 1)).state == "FAILURE"
    assert connection.connection is None
