"""PeriodicTasks that are not ours: each run is sent once, by any number of beats, whatever fails in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks, SolarSchedule
from pytest_django import Settings

from backends.beat.backoff import LONGEST_BACKOFF
from tests.backends.beat.ticking import KINDS, Beat, another_task, away, due_row, sent
from tests.recording import RecordingExecutor
from tests.servers.redis_like import ValkeyServer

# It looks after its connection at each tick, which closes one that a transaction of the test is open on.
pytestmark = pytest.mark.django_db(transaction=True)

Beats = Callable[[int], list[Beat]]


@pytest.fixture
def beats(recorded: RecordingExecutor, broker: ValkeyServer, settings: Settings) -> Iterator[Beats]:
    """Makes so many beats, on one broker. Each has read its rows when they are returned."""
    made: list[Beat] = []

    def make(count: int) -> list[Beat]:
        made.extend(Beat(broker.url, settings) for _ in range(count))
        return made

    yield make
    for beat in made:
        beat.close()


def tick_in_turn(beats: list[Beat], times: int = 4) -> None:
    for _ in range(times):
        for beat in beats:
            beat.tick_for(1)


def stored(row: PeriodicTask) -> PeriodicTask:
    return PeriodicTask.objects.get(pk=row.pk)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_due_is_sent_by_one_of_the_beats(beats: Beats, broker: ValkeyServer, kind: str, count: int) -> None:
    row = due_row(kind)
    tick_in_turn(beats(count))
    assert sent(broker) == [kind]
    after = stored(row)
    if row.one_off:
        # As django-celery-beat leaves it: it runs again when somebody enables it.
        assert (after.enabled, after.last_run_at, after.total_run_count) == (False, None, 0)
    else:
        assert (after.enabled, after.total_run_count) == (True, 1)
        assert after.last_run_at > timezone.now() - timedelta(minutes=1)


def test_the_next_run_is_sent_once_too_by_whichever_beat_is_first(beats: Beats, broker: ValkeyServer) -> None:
    row, both = due_row("interval"), beats(2)
    for turn in (both, both[::-1]):
        tick_in_turn(turn)
        # As if the hour were over.
        PeriodicTask.objects.update(last_run_at=timezone.now() - timedelta(hours=2))
        PeriodicTasks.update_changed()
    tick_in_turn(both)
    assert sent(broker) == ["interval"] * 3
    assert stored(row).total_run_count == 3


def test_a_beat_that_was_late_looks_again_when_the_others_do(beats: Beats, broker: ValkeyServer) -> None:
    every, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
    row = another_task("theirs", interval=every, last_run_at=timezone.now() - timedelta(hours=2))
    [late] = beats(1)
    earlier = timezone.now() - timedelta(minutes=30)
    PeriodicTask.objects.filter(pk=row.pk).update(last_run_at=earlier, total_run_count=1)
    late.tick_for(4)
    assert sent(broker) == []
    [event] = [each for each in late.scheduler._heap if each[2].name == "theirs"]
    left = event[0] - timezone.now().timestamp()
    assert left == pytest.approx(timedelta(minutes=30).total_seconds(), abs=60)


def test_a_beat_that_dies_before_it_sends_loses_that_run_and_no_other_beat_sends_it(
    beats: Beats, broker: ValkeyServer
) -> None:
    row = due_row("interval")
    dies, lives = beats(2)
    dies.scheduler.reserve(dies.scheduler.schedule["interval"])
    lives.tick_for(4)
    assert sent(broker) == []
    assert stored(row).total_run_count == 1


def test_a_beat_that_ends_late_does_not_bring_an_older_run_back(beats: Beats, broker: ValkeyServer) -> None:
    row = due_row("interval")
    first, second = beats(2)
    first.tick_for(4)
    ran = stored(row).last_run_at
    PeriodicTask.objects.update(last_run_at=ran + timedelta(hours=1), total_run_count=2)
    for beat in (first, second):
        beat.scheduler.sync()
        beat.scheduler.close()
    assert (stored(row).last_run_at, stored(row).total_run_count) == (ran + timedelta(hours=1), 2)
    assert sent(broker) == ["interval"]


def test_what_a_beat_could_not_send_is_sent_by_another(beats: Beats, broker: ValkeyServer) -> None:
    connected, other = beats(2)
    another_task("before")
    connected.tick_for(3)
    broker.kill()
    row = due_row("one_off")
    connected.tick_for(8)
    assert stored(row).enabled
    assert stored(row).last_run_at == row.last_run_at
    broker.start()
    other.tick_for(3)
    assert sent(broker) == ["one_off"]


def test_a_row_that_is_gone_or_cannot_be_read_does_not_hold_up_the_others(beats: Beats, broker: ValkeyServer) -> None:
    due_row("interval")
    another_task("gone", last_run_at=timezone.now() - timedelta(days=1))
    dark = SolarSchedule.objects.create(event="solar_noon", latitude=0, longitude=0)
    SolarSchedule.objects.update(event="no such event")
    another_task("unreadable", interval=None, solar=dark)
    [beat] = beats(1)
    _ = beat.scheduler.schedule
    # Without a signal: the beat is not told.
    PeriodicTask.objects.filter(name="gone")._raw_delete("default")
    beat.tick_for(5)
    assert sent(broker) == ["interval"]
    assert "gone" not in beat.scheduler.schedule


def test_other_periodic_tasks_run_as_ever(beat_with_broker: Beat, broker: ValkeyServer) -> None:
    theirs = another_task("theirs")
    another_task("theirs, disabled", enabled=False)
    beat_with_broker.scheduler = beat_with_broker.start()
    beat_with_broker.tick_for(5)
    assert sent(broker) == ["theirs"]
    theirs.refresh_from_db()
    assert theirs.total_run_count == 1
    assert theirs.last_run_at > timezone.now() - timedelta(minutes=1)


def test_an_entry_that_is_due_while_the_broker_is_away_is_sent_once_it_is_back(
    beat_with_broker: Beat, broker: ValkeyServer
) -> None:
    beat = beat_with_broker
    another_task("before")
    beat.tick_for(3)
    assert sent(broker) == ["before"]
    broker.kill()
    due = another_task("during")
    beat.tick_for(8)
    assert PeriodicTask.objects.get(pk=due.pk).last_run_at == due.last_run_at
    broker.start()
    beat.tick_for(LONGEST_BACKOFF + 3)
    assert sent(broker) == ["during"]
    assert {task.name: task.total_run_count for task in PeriodicTask.objects.filter(task="theirs.task")} == {
        "before": 1,
        "during": 1,
    }


def test_an_entry_that_cannot_be_sent_does_not_hold_up_the_others(beat_with_broker: Beat, broker: ValkeyServer) -> None:
    another_task("broken", kwargs="[1]", last_run_at=timezone.now() - timedelta(days=1))
    another_task("theirs")
    beat_with_broker.tick_for(6)
    assert sent(broker) == ["theirs"]


def test_a_database_that_is_away_at_the_start_is_read_at_the_next_tick(
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
