"""LedgerScheduler while the broker or the database is away: nothing ends it, nothing is lost."""

from __future__ import annotations

import pytest
from django.db import connection

from backends.beat.backoff import LONGEST_BACKOFF
from backends.beat.scheduler import LONGEST_WAIT
from backends.beat.side_threads import upkeep
from scheduling import clock
from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.backends.beat.ticking import Beat, another_task, away, make_due, sent
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor
from tests.servers.redis_like import ValkeyServer

# As in test_scheduler.py.
pytestmark = pytest.mark.django_db(transaction=True)


def test_our_schedules_are_dispatched_while_the_broker_is_away(beat: Beat, recorded: RecordingExecutor) -> None:
    another_task("theirs")
    beat.tick_for(3)
    make_due(a_schedule(every=60))
    beat.tick_for(1)
    assert len(recorded.submitted) == 1


def test_a_database_that_is_away_ends_nothing_and_is_picked_up_again(
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


def test_a_broker_that_takes_no_tasks_leaves_them_for_upkeep(beat: Beat, recorded: RecordingExecutor) -> None:
    recorded.error = "the broker cannot be reached"
    make_due(a_schedule(every=60))
    beat.tick()
    assert recorded.submitted == []
    recorded.error = ""
    Task.objects.update(send_at=clock.now())
    upkeep()
    [task] = Task.objects.filter(status=Status.QUEUED)
    assert recorded.submitted == [(task.pk, 1)]
