"""LedgerScheduler, tick by tick: what it dispatches, how long it waits, and how it handles failures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from celery import Celery
from django.db import OperationalError, connection
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_django import Settings

from backends.beat.backoff import LONGEST_BACKOFF, BackoffRunner
from backends.beat.scheduler import LONGEST_WAIT, UPKEEP_EVERY, LedgerScheduler
from scheduling import delivery
from scheduling.executor import executor
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.backends.queue.brokers import stored_messages
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.recording import SETTINGS_EXECUTORS, RecordingExecutor
from tests.servers.redis_like import ValkeyServer

# It looks after its connection at each tick, which closes one that a transaction of the test is open on.
pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """Monotonic seconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Beat:
    """A LedgerScheduler with a broker of its own, and a clock that only the test moves."""

    def __init__(self, broker_url: str, settings: Settings) -> None:
        self.app = Celery("test of beat", set_as_current=False)
        self.app.config_from_object(settings.CELERY | {"broker_url": broker_url})
        self.clock = Clock()
        self.scheduler = self.start()

    def start(self) -> LedgerScheduler:
        scheduler = LedgerScheduler(app=self.app)
        scheduler._runner = BackoffRunner(self.clock)
        return scheduler

    def tick(self) -> float:
        return self.scheduler.tick()

    def tick_for(self, seconds: float) -> None:
        """Ticks, a second apart."""
        for _ in range(int(seconds)):
            self.tick()
            self.clock.now += 1

    def close(self) -> None:
        self.scheduler.close()
        self.app.close()


@pytest.fixture
def recorded(settings: Settings) -> RecordingExecutor:
    """The messages of Tandem's tasks, recorded instead of published."""
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    found = executor("worker")
    assert isinstance(found, RecordingExecutor)
    return found


@pytest.fixture
def beat(recorded: RecordingExecutor, settings: Settings) -> Iterator[Beat]:
    """A Beat without a broker: nothing listens at the address."""
    made = Beat("redis+socket:///nowhere/broker.sock?virtual_host=0", settings)
    yield made
    made.close()


@pytest.fixture
def broker() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest.fixture
def beat_with_broker(recorded: RecordingExecutor, broker: ValkeyServer, settings: Settings) -> Iterator[Beat]:
    made = Beat(broker.url, settings)
    yield made
    made.close()


def another_task(name: str, **fields: Any) -> PeriodicTask:
    """A user's own PeriodicTask: hourly, and due."""
    every, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
    due = {"last_run_at": timezone.now() - timedelta(hours=2)}
    return PeriodicTask.objects.create(**({"name": name, "task": "theirs.task", "interval": every} | due | fields))


def sent(broker: ValkeyServer) -> list[str]:
    """The names of the PeriodicTasks whose messages are in the queue, oldest first."""
    with redis.Redis(unix_socket_path=str(broker.folder / "valkey.sock")) as client:
        return [headers["periodic_task_name"] for headers, _ in stored_messages(client)]


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


def test_other_periodic_tasks_run_as_ever(beat_with_broker: Beat, broker: ValkeyServer) -> None:
    theirs = another_task("theirs")
    another_task("theirs, disabled", enabled=False)
    beat_with_broker.scheduler = beat_with_broker.start()
    beat_with_broker.tick_for(5)
    assert sent(broker) == ["theirs"]
    beat_with_broker.scheduler.sync()
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


def test_our_schedules_are_dispatched_while_the_broker_is_away(beat: Beat, recorded: RecordingExecutor) -> None:
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


def test_a_database_that_is_away_at_the_start_is_read_at_the_next_tick(
    beat_with_broker: Beat, broker: ValkeyServer
) -> None:
    another_task("theirs")
    with connection.execute_wrapper(_away):
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
