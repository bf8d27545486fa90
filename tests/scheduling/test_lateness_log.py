"""What is counted as late, and that counts of several processes add up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from scheduling import delivery, dispatch, lateness_log, tasks
from scheduling.lateness import Histogram, bucket_of
from scheduling.models import LatenessBucket, Task
from scheduling.upkeep import retention
from tests.backends.beat.ticking import away
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    lateness_log._counted.clear()
    yield
    lateness_log._counted.clear()


def due_for(seconds: float, **fields: Any) -> Task:
    """The only task of an occurrence that has been due for so long, not handed over."""
    now = timezone.now()
    schedule = a_schedule(every=86_400, catch_up="latest")
    return a_task(schedule, due_at=now - timedelta(seconds=seconds), woken_by="beat", **fields)


def found(**which: str) -> Histogram:
    lateness_log.write()
    return lateness_log.between(timezone.now() - DAY, timezone.now(), **which)


def test_what_is_due_and_handed_over_is_counted_once(recorded: RecordingExecutor) -> None:
    task = due_for(3.0)
    delivery.submit([task], now=timezone.now())
    again = Task.objects.get(pk=task.pk)
    delivery.submit([again], now=timezone.now())
    assert found().counts[bucket_of(3.0)] == found().total == 1
    assert found(backend="beat").total == 1
    assert found(backend="crontab").total == 0


def test_what_the_broker_did_not_take_is_counted_when_it_does(recorded: RecordingExecutor) -> None:
    task = due_for(100.0)
    recorded.error = "the broker cannot be reached"
    delivery.submit([task], now=timezone.now())
    assert found().total == 0
    recorded.error = ""
    delivery.submit([Task.objects.get(pk=task.pk)], now=timezone.now())
    assert found().counts[bucket_of(100.0)] == 1


def test_what_runs_in_this_process_is_counted_when_it_begins() -> None:
    task = due_for(3.0, executor="inline", host="testhost")
    delivery.submit([task], now=timezone.now())
    task.refresh_from_db()
    assert (task.status, found().counts[bucket_of(3.0)]) == ("COMPLETED", 1)


def test_what_was_asked_for_or_has_waited_is_not_counted(recorded: RecordingExecutor) -> None:
    asked, waited = a_task(a_schedule()), due_for(50.0)
    waited.events += 1
    delivery.submit([asked, waited], now=timezone.now())
    one_off, _ = tasks.create(now=timezone.now(), name="for yesterday", scheduled_time=timezone.now() - DAY)
    assert one_off.due_at is not None
    assert recorded.submitted[-1] == (one_off.pk, 1)
    assert found().total == 0


def test_a_dispatch_is_counted_without_a_statement(
    recorded: RecordingExecutor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    task = due_for(0.1)
    with django_assert_num_queries(0):
        lateness_log.note([task])
    with django_assert_num_queries(1):
        lateness_log.write()
    with django_assert_num_queries(0):
        lateness_log.write()


def test_counts_of_several_processes_add_up() -> None:
    for _ in range(3):
        lateness_log.note([due_for(3.0), due_for(12.0)])
        lateness_log.write()
    assert LatenessBucket.objects.count() == 2
    assert found().total == 6
    assert found().counts[bucket_of(3.0)] == 3


def test_what_could_not_be_written_is_kept() -> None:
    lateness_log.note([due_for(3.0)])
    with connection.execute_wrapper(away), pytest.raises(OperationalError):
        lateness_log.write()
    assert found().total == 1


def test_a_child_does_not_count_what_its_parent_has_counted() -> None:
    lateness_log.note([due_for(3.0)])
    child = os.fork()
    if child == 0:
        os._exit(len(lateness_log._counted))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert found().total == 1


def test_occurrences_of_a_real_dispatch_are_on_time(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(every=60)
    assert schedule.next_due_at is not None
    dispatch.dispatch_due("beat", now=schedule.next_due_at)
    assert found().total == 1


def test_old_rows_are_deleted(settings: Settings) -> None:
    settings.TANDEM_KEEP_DAYS = 1
    lateness_log.note([due_for(3.0)])
    lateness_log.write()
    retention.prune(now=timezone.now())
    assert LatenessBucket.objects.count() == 1
    retention.prune(now=timezone.now() + 2 * DAY)
    assert not LatenessBucket.objects.exists()
