"""LedgerScheduler, tick by tick: what it dispatches, how long it waits, and how it handles failures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from backends.beat.backoff import LONGEST_BACKOFF
from backends.beat.scheduler import LONGEST_WAIT, UPKEEP_EVERY
from scheduling import delivery
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.backends.beat.beats import Beat, another_task, sent
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor
from tests.servers.redis_like import ValkeyServer

# It looks after its connection at each tick, which closes one that a transaction of the test is open on.
pytestmark = pytest.mark.django_db(transaction=True)


def make_due(schedule: Schedule) -> None:
    earlier = timezone.now() - timedelta(seconds=90)
    Schedule.objects.filter(pk=schedule.pk).update(cursor=earlier, next_due_at=earlier)


def many_due(count: int) -> None:
    """Copies of one schedule that are due now."""
    pattern = a_schedule(every=60, now=timezone.now() - timedelta(seconds=90))
    rows = [Schedule.objects.get(pk=pattern.pk) for _ in range(count)]
    for row in rows:
        row.pk = None
    Schedule.objects.bulk_create(rows)
    pattern.delete()


def test_what_is_due_becomes_one_task_and_is_handed_over(beat: Beat, recorded: RecordingExecutor) -> None:
    make_due(a_schedule(every=60))
    for _ in range(3):
        beat.tick()
    [task] = Task.objects.exclude(status=Status.MISSED)
    assert (task.status, task.woken_by) == (Status.QUEUED, "beat")
    assert recorded.submitted == [(task.pk, 1)]


def test_everything_that_is_due_is_dispatched_in_one_tick(beat: Beat, recorded: RecordingExecutor) -> None:
    many_due(2 * delivery.BATCH + 1)
    beat.tick()
    assert len(recorded.submitted) == 2 * delivery.BATCH + 1


def test_schedules_of_another_backend_are_left_alone(beat: Beat) -> None:
    schedule = a_schedule(every=60)
    make_due(schedule)
    Schedule.objects.update(routed_to="crontab")
    beat.tick()
    assert not Task.objects.exists()


def test_with_nothing_to_do_it_waits_the_longest(beat: Beat) -> None:
    a_schedule(every=3600)
    beat.tick_for(10)
    assert beat.tick() == LONGEST_WAIT


def test_it_waits_no_longer_than_until_the_next_occurrence(beat: Beat) -> None:
    a_schedule(every=1)
    before = timezone.now()
    wait = beat.tick()
    after = timezone.now()
    left = Schedule.objects.get().next_due_at
    assert left is not None
    assert max(0.0, (left - after).total_seconds()) <= wait <= max(0.0, (left - before).total_seconds())


def test_our_rows_are_not_among_the_entries_of_the_parent(beat: Beat) -> None:
    a_schedule(every=60)
    another_task("theirs")
    assert PeriodicTask.objects.filter(task="tandem.fire").exists()
    assert set(beat.start().schedule) - {"celery.backend_cleanup"} == {"theirs"}


def test_upkeep_has_its_own_cadence(beat: Beat, recorded: RecordingExecutor) -> None:
    schedule = a_schedule(every=3600)
    earlier = timezone.now() - timedelta(minutes=1)
    first = a_task(schedule, now=earlier)
    beat.tick()
    second = a_task(schedule, now=earlier)
    beat.tick()
    assert recorded.submitted == [(first.pk, 1)]
    beat.clock.now += UPKEEP_EVERY
    beat.tick()
    assert recorded.submitted == [(first.pk, 1), (second.pk, 1)]


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
    with connection.execute_wrapper(_away):
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
    Task.objects.update(send_at=timezone.now())
    beat.clock.now += UPKEEP_EVERY
    beat.tick()
    [task] = Task.objects.filter(status=Status.QUEUED)
    assert recorded.submitted == [(task.pk, 1)]


def _away(*_: object) -> object:
    raise OperationalError("gone away")


def test_a_signal_in_the_middle_of_a_tick_waits_for_nothing_and_leaves_the_tick(
    beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    def told_to_end(**_: Any) -> int:
        # What celery.beat's handler does, wherever the main thread happens to be.
        beat.scheduler.close()
        closed.append("connection" not in vars(beat.scheduler))
        raise SystemExit

    _ = beat.scheduler.connection
    monkeypatch.setattr(delivery, "queue_due", told_to_end)
    with pytest.raises(SystemExit):
        beat.tick()
    assert closed == [False]
    beat.scheduler.close()
    assert "connection" not in vars(beat.scheduler)
