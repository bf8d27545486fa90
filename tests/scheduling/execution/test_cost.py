"""What a task costs: its statements, and no thread. Counts, because a time would say more of the machine."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling import ledger
from scheduling.execution import watch_thread
from scheduling.execution.run import run_attempt
from scheduling.job_context import JobContext
from scheduling.models import Task
from tests.conftest import a_schedule
from tests.scheduling.execution.stored_jobs import a_task

pytestmark = pytest.mark.django_db(transaction=True)


def statements(work: Callable[[], object]) -> list[str]:
    """The statements of `work`, those that begin and end a transaction included."""
    with CaptureQueriesContext(connection) as captured:
        work()
    return [each["sql"].split()[0] for each in captured.captured_queries]


# On PostgreSQL one statement; on SQLite a transaction of the same parts.
CLAIM = {"postgresql": ["WITH"], "sqlite": ["BEGIN", "UPDATE", "WITH", "WITH", "COMMIT"]}
END = CLAIM


@pytest.fixture
def does_nothing(register: Callable[..., str]) -> str:
    """A job that does nothing."""

    def nothing(context: JobContext) -> None:
        pass

    return register(nothing)


def claimed(job: str) -> Task:
    """A task of the job that runs."""
    task = ledger.claim(a_task(job).pk, 1, worker="me", now=timezone.now())
    assert task is not None
    return task


def test_a_claim_is_one_statement(does_nothing: str) -> None:
    task = a_task(does_nothing)
    spent = statements(lambda: ledger.claim(task.pk, 1, worker="me", now=timezone.now()))
    assert spent == CLAIM[connection.vendor]


@pytest.mark.parametrize(
    "end",
    [
        lambda task, now: ledger.complete(task, result={"a": 1}, now=now),
        lambda task, now: ledger.fail(task, error="no", now=now),
        lambda task, now: ledger.schedule_retry(task, error="no", wait_until=now, now=now),
        lambda task, now: ledger.stopped(task, reason="enough", now=now),
        lambda task, now: ledger.lose(task, error="gone", now=now),
    ],
    ids=["complete", "fail", "retry", "stopped", "lose"],
)
def test_each_end_is_one_statement(does_nothing: str, end: Callable[..., object]) -> None:
    task = claimed(does_nothing)
    assert statements(lambda: end(task, timezone.now())) == END[connection.vendor]


def test_a_whole_task_is_a_claim_and_an_end_and_makes_no_thread(does_nothing: str) -> None:
    watch_thread.start()
    task, before = a_task(does_nothing), threading.enumerate()
    spent = statements(lambda: run_attempt(task.pk, 1, worker="me"))
    assert spent == CLAIM[connection.vendor] + END[connection.vendor]
    assert [thread for thread in threading.enumerate() if thread not in before] == []


def test_an_end_that_nothing_waits_for_asks_for_nothing_that_waits(does_nothing: str) -> None:
    schedule = a_schedule(overlap="queue")
    first = a_task(does_nothing)
    Task.objects.filter(pk=first.pk).update(schedule=schedule)
    spent = statements(lambda: run_attempt(first.pk, 1, worker="me"))
    assert spent == CLAIM[connection.vendor] + END[connection.vendor]


def test_an_end_tells_that_a_task_of_its_schedule_waits(does_nothing: str) -> None:
    schedule = a_schedule(overlap="queue")
    first, second = claimed(does_nothing), a_task(does_nothing)
    first.schedule_id = schedule.pk
    Task.objects.filter(pk__in=[first.pk, second.pk]).update(schedule=schedule)
    Task.objects.filter(pk=second.pk).update(status="SCHEDULED", wait_until=None)
    ended = ledger.complete(first, result=None, now=timezone.now())
    assert ended == ("COMPLETED", True)


def test_the_row_of_a_claim_and_of_an_end_is_found_by_its_id(does_nothing: str) -> None:
    task = a_task(does_nothing)
    with CaptureQueriesContext(connection) as captured:
        ledger.complete(claimed(does_nothing), result=None, now=timezone.now())
        ledger.claim(task.pk, 1, worker="me", now=timezone.now())
    updates = [
        each["sql"] for each in captured.captured_queries if 'UPDATE "tandem_scheduling_task" SET' in each["sql"]
    ]
    assert len(updates) == 3
    # Otherwise PostgreSQL walks a partial index on the status, with all rows that have left it since the last vacuum.
    assert all("COALESCE" in update for update in updates)
