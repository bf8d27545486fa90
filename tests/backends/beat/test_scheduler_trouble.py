"""LedgerScheduler while the broker or the database is away: nothing ends it, nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from backends.beat.backoff import LONGEST_BACKOFF
from backends.beat.scheduler import LONGEST_WAIT, UPKEEP_EVERY
from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.backends.beat.ticking import Beat, another_task, away, make_due, sent
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor
from tests.servers.redis_like import ValkeyServer

# As in test_scheduler.py.
pytestmark = pytest.mark.django_db(transaction=True)


def test_an_entry_that_is_due_while_the_broker_isaway_is_sent_once_it_is_back(
    beat_with_broker: Beat, broker: ValkeyServer
) -> None:
    beat = beat_with_broker
    another_task("before")
    beat.tick_for(3)
    assert sent(broker) == ["before"]
    broker.kill()
    due = another_task("during")
    beat.tick_for(8)
    beat.scheduler.sync()
    assert PeriodicTask.objects.get(pk=due.pk).last_run_at == due.last_run_at
    broker.start()
    beat.tick_for(LONGEST_BACKOFF + 3)
    assert sent(broker) == ["during"]
    beat.scheduler.sync()
    assert {task.name: task.total_run_count for task in PeriodicTask.objects.filter(task="theirs.task")} == {
        "before": 1,
        "during": 1,
    }


def test_our_schedules_are_dispatched_while_the_broker_isaway(beat: Beat, recorded: RecordingExecutor) -> None:
    another_task("theirs")
    beat.tick_for(3)
    make_due(a_schedule(every=60))
    beat.tick_for(1)
    assert len(recorded.submitted) == 1


def test_an_entry_that_cannot_be_sent_does_not_hold_up_the_others(beat_with_broker: Beat, broker: ValkeyServer) -> None:
    another_task("broken", kwargs="[1]", last_run_at=timezone.now() - timedelta(days=1))
    another_task("theirs")
    beat_with_broker.tick_for(6)
    assert sent(broker) == ["theirs"]


def test_a_database_that_isaway_ends_nothing_and_is_picked_up_again(
    beat_with_broker: Beat, broker: ValkeyServer, recorded: RecordingExecutor
) -> None:
    beat = beat_with_broker
    beat.tick_for(2)
    with connection.execute_wrapper(away):
        waits = []
        for _ in range(30):
            waits.append(beat.tick())
            beat.clock.now += 1
    assert all(0 <= wait <= LONGEST_WAIT for wait in waits)
    make_due(a_schedule(every=60))
    another_task("theirs")
    beat.tick_for(LONGEST_BACKOFF + 3)
    assert len(recorded.submitted) == 1
    assert sent(broker) == ["theirs"]


def test_a_database_that_isaway_at_the_start_is_read_at_the_next_tick(
    beat_with_broker: Beat, broker: ValkeyServer
) -> None:
    another_task("theirs")
    with connection.execute_wrapper(away):
        beat_with_broker.scheduler = beat_with_broker.start()
        beat_with_broker.tick()
    beat_with_broker.tick_for(LONGEST_BACKOFF + 3)
    assert sent(broker) == ["theirs"]


def test_a_change_that_could_not_be_read_is_read_at_the_next_tick(beat_with_broker: Beat, broker: ValkeyServer) -> None:
    beat_with_broker.tick_for(2)
    another_task("theirs")

    def unreadable(execute: Any, sql: str, *rest: Any) -> Any:
        if 'FROM "django_celery_beat_periodictask"' in sql:
            raise OperationalError("gone away")
        return execute(sql, *rest)

    with connection.execute_wrapper(unreadable):
        beat_with_broker.tick_for(2)
    beat_with_broker.tick_for(LONGEST_BACKOFF + 3)
    assert sent(broker) == ["theirs"]


def test_a_broker_that_takes_no_tasks_leaves_them_for_upkeep(beat: Beat, recorded: RecordingExecutor) -> None:
    recorded.error = "the broker cannot be reached"
    make_due(a_schedule(every=60))
    beat.tick()
    assert recorded.submitted == []
    recorded.error = ""
    Task.objects.update(send_at=timezone.now())
    beat.clock.now += UPKEEP_EVERY
    beat.tick()
    [task] = Task.objects.filter(status=Status.QUEUED)
    assert recorded.submitted == [(task.pk, 1)]
