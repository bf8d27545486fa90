"""LedgerScheduler, tick by tick: what it dispatches, and how long it waits."""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from celery.apps.beat import Beat as BeatProgram
from celery.beat import Service
from django.db import OperationalError, connection
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from pytest_django import DjangoAssertNumQueries

from backends.beat import next_due, scheduler, side_threads
from backends.beat.scheduler import LONGEST_WAIT, TAKEN_ELSEWHERE, TURN, LedgerScheduler
from scheduling import delivery, dispatch, processes
from scheduling.executor import Submission
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.backends.beat.ticking import Beat, another_task, make_due, many_due, sent
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor
from tests.servers.redis_like import ValkeyServer

# It looks after its connection at each tick, which closes one that a transaction of the test is open on.
pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_due_becomes_one_task_and_is_handed_over(beat: Beat, recorded: RecordingExecutor) -> None:
    make_due(a_schedule(every=60))
    for _ in range(3):
        beat.tick()
    [task] = Task.objects.exclude(status=Status.MISSED)
    assert (task.status, task.woken_by) == (Status.QUEUED, "beat")
    assert recorded.submitted == [(task.pk, 1)]


def test_everything_that_is_due_is_dispatched_in_one_tick(
    beat: Beat, recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 10)
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
    wait = 0.0
    # A tick that dispatches asks to look again at once.
    while not wait:
        # SQLite tells the time to the millisecond.
        before = timezone.now() - timedelta(milliseconds=1)
        wait = beat.tick()
    after = timezone.now()
    left = Schedule.objects.get().next_due_at
    assert left is not None
    assert max(0.0, (left - after).total_seconds()) <= wait <= max(0.0, (left - before).total_seconds())


def test_it_waits_until_another_periodic_task_is_due_but_never_longer_than_a_second(
    beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_schedule(every=7200)
    another_task("theirs", last_run_at=timezone.now())
    beat.scheduler.max_interval = 9000
    beat.tick_for(2)
    assert beat.tick() == LONGEST_WAIT
    monkeypatch.setattr(scheduler, "LONGEST_WAIT", 9000.0)
    assert beat.tick() <= 3600


def test_many_other_periodic_tasks_give_way_to_our_schedules(beat_with_broker: Beat, broker: ValkeyServer) -> None:
    for name in "abc":
        another_task(name)
    beat_with_broker.scheduler = beat_with_broker.start()
    # A second for each look at the clock: every message takes longer than a turn.
    beat_with_broker.scheduler.moment = count().__next__
    beat_with_broker.tick()
    assert len(sent(broker)) == 1


def test_our_rows_are_not_among_the_entries_of_the_parent(beat: Beat) -> None:
    a_schedule(every=60)
    another_task("theirs")
    assert PeriodicTask.objects.filter(task="tandem.fire").exists()
    assert set(beat.start().schedule) - {"celery.backend_cleanup"} == {"theirs"}


def test_a_tick_without_anything_to_do_is_one_statement(
    beat: Beat, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    later = timezone.now() + timedelta(hours=1)
    a_task(a_schedule(every=3600), status=Status.SCHEDULED, wait_until=later)
    another_task("theirs", last_run_at=timezone.now())
    beat.tick_for(3)
    with django_assert_num_queries(1):
        assert beat.tick() == LONGEST_WAIT


def test_a_long_tick_gives_way_to_the_other_periodic_tasks(
    beat: Beat, recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 10)
    many_due(2 * delivery.BATCH)
    first = dispatch.dispatch_due

    def slow(*args: Any, **kwargs: Any) -> list[datetime]:
        beat.clock.now += TURN
        return first(*args, **kwargs)

    monkeypatch.setattr(dispatch, "dispatch_due", slow)
    assert beat.tick() == 0
    assert len(recorded.submitted) == delivery.BATCH
    # What has become due since then: nothing. The backlog is not made to wait for that.
    assert beat.tick() == 0
    assert len(recorded.submitted) == delivery.BATCH
    beat.tick()
    assert len(recorded.submitted) == 2 * delivery.BATCH


def test_a_leap_of_the_databases_clock_is_not_believed_at_once(beat: Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    a_schedule(every=3600)
    beat.tick()
    look = next_due.look

    def leapt() -> next_due.NextDue:
        found = look()
        return replace(found, now=found.now + timedelta(hours=2))

    monkeypatch.setattr(next_due, "look", leapt)
    beat.tick()
    assert not Task.objects.exists()


def test_what_is_due_now_does_not_wait_behind_a_backlog(
    beat: Beat, recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 10)
    many_due(50)
    on_time = a_schedule(every=60, name="on time", now=timezone.now() - timedelta(seconds=61))
    becomes_due = Schedule.objects.filter(pk=on_time.pk)
    becomes_due.update(next_due_at=timezone.now() + timedelta(hours=1))
    batches: list[list[int]] = []
    first = recorded.submit

    def submit(tasks: Sequence[Task]) -> Submission:
        if not batches:
            becomes_due.update(next_due_at=timezone.now())
        batches.append([task.schedule_id or 0 for task in tasks])
        return first(tasks)

    monkeypatch.setattr(recorded, "submit", submit)
    beat.tick()
    order = [pk for batch in batches for pk in batch]
    assert len(order) == 51
    # After the first batch, or after the second: SQLite tells the time to the millisecond.
    assert order.index(on_time.pk) in {10, 20}


def test_a_beat_does_not_ask_without_a_pause_for_what_another_one_has_locked(
    beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_due(a_schedule(every=60))
    monkeypatch.setattr(dispatch, "dispatch_due", lambda *_args, **_kwargs: [])
    assert beat.tick() == TAKEN_ELSEWHERE


def test_each_tick_tells_that_it_came_round(beat: Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    monkeypatch.setattr(processes, "came_round", lambda: told.append(True))
    beat.tick_for(2)
    assert told == [True, True]


@pytest.fixture
def service(beat: Beat) -> Iterator[Service]:
    """A beat as `celery beat` makes it, with its signal handlers, and no thread."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    made = Service(beat.app, scheduler_cls=LedgerScheduler)
    BeatProgram(app=beat.app).install_sync_handler(made)
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("at", [1, 3, 6], ids=["while it starts", "later", "in a tick"])
def test_a_signal_inside_any_query_ends_beat(
    service: Service, at: int, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "start", lambda _kind: None)
    monkeypatch.setattr(side_threads, "start", list)
    monkeypatch.setattr(atexit, "register", lambda *_function: None)
    made: list[LedgerScheduler] = []
    first = LedgerScheduler.__init__

    def counted(self: LedgerScheduler, *args: Any, **kwargs: Any) -> None:
        made.append(self)
        first(self, *args, **kwargs)

    monkeypatch.setattr(LedgerScheduler, "__init__", counted)
    queries = 0

    def interrupted(execute: Any, *query: Any) -> Any:
        nonlocal queries
        queries += 1
        if queries == at:
            os.kill(os.getpid(), number)
        return execute(*query)

    with connection.execute_wrapper(interrupted):
        service.start()
    assert queries >= at
    assert len(made) == 1
    assert "connection" not in vars(made[0])


def test_a_signal_in_the_middle_of_a_tick_waits_for_nothing_and_leaves_the_tick(
    beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    def told_to_end(*_: Any, **__: Any) -> int:
        # What celery.beat's handler does, wherever the main thread happens to be.
        beat.scheduler.close()
        closed.append("connection" not in vars(beat.scheduler))
        raise SystemExit

    _ = beat.scheduler.connection
    make_due(a_schedule(every=60))
    monkeypatch.setattr(dispatch, "dispatch_due", told_to_end)
    with pytest.raises(SystemExit):
        beat.tick()
    assert closed == [False]
    beat.scheduler.close()
    assert "connection" not in vars(beat.scheduler)


def test_a_signal_whose_exit_is_lost_in_an_error_ends_beat_after_the_tick(
    beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> int:
        try:
            beat.scheduler.close()
            raise SystemExit
        finally:
            # What a connection says that was interrupted in the middle of a query.
            raise OperationalError("another command is already in progress")

    make_due(a_schedule(every=60))
    monkeypatch.setattr(dispatch, "dispatch_due", interrupted)
    with pytest.raises(SystemExit):
        beat.tick()
