"""Upkeep repairs what crashes leave behind. Each step is independent of the others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import cycle, islice
from types import ModuleType

import pytest
from django.db import DataError, InterfaceError, OperationalError, connection

from scheduling import delivery, dispatch, ledger
from scheduling.lifecycle import Status
from scheduling.models import Task
from scheduling.upkeep import lost_attempts
from scheduling.upkeep import sweep as sweep_module
from scheduling.upkeep.sweep import sweep
from tests.backends.stored_tasks import a_task, statuses
from tests.conftest import a_schedule, at
from tests.process_rows import ended_process
from tests.recording import RecordingExecutor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recorded")]

NOW = at("2026-11-20 10:00")
DUE = at("2026-11-20 10:05")


def test_a_broker_that_is_away_loses_nothing(recorded: RecordingExecutor) -> None:
    a_schedule(now=NOW)
    recorded.error = "away"
    dispatch.dispatch_due("beat", now=DUE)
    task = Task.objects.get()
    assert task.status == "QUEUED"
    recorded.error = ""
    sweep(now=DUE + ledger.UNCLAIMED_AFTER - timedelta(seconds=1))
    assert recorded.submitted == []
    sweep(now=DUE + ledger.UNCLAIMED_AFTER)
    assert recorded.submitted == [(task.pk, 1)]


def test_a_lost_message_is_sent_again_until_it_is_claimed(recorded: RecordingExecutor) -> None:
    a_schedule(now=NOW)
    dispatch.dispatch_due("beat", now=DUE)
    task = Task.objects.get()
    sweep(now=DUE + timedelta(seconds=59))
    assert len(recorded.submitted) == 1
    sweep(now=DUE + timedelta(seconds=60))
    assert recorded.submitted == [(task.pk, 1)] * 2
    ledger.claim(task.pk, 1, worker="me", now=DUE + timedelta(seconds=61))
    sweep(now=DUE + timedelta(seconds=75))
    assert len(recorded.submitted) == 2


def test_upkeep_takes_more_than_one_batch(recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded.error = "away"
    for _ in range(7):
        a_schedule(now=NOW)
    dispatch.dispatch_due("beat", now=DUE)
    recorded.error = ""
    monkeypatch.setattr(delivery, "BATCH", 3)
    sweep(now=DUE + timedelta(minutes=1))
    assert len(recorded.submitted) == 7


def test_every_task_whose_time_has_come_is_queued_batch_after_batch(
    recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 3)
    schedule = a_schedule(now=NOW)
    times = [DUE - timedelta(seconds=seconds) for seconds in range(6, -1, -1)]
    tasks = [a_task(schedule, status=Status.SCHEDULED, wait_until=time, send_at=None) for time in times]
    sweep(now=DUE)
    assert recorded.submitted == [(task.pk, 1) for task in tasks]


def test_what_is_unclaimed_is_sent_batch_after_batch_until_the_broker_refuses(
    recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 3)
    schedule = a_schedule(now=NOW)
    tasks = [a_task(schedule, now=NOW, send_at=NOW) for _ in range(7)]
    recorded.error = "away"
    sweep_module.send_unclaimed(now=DUE)
    # Those of the first batch wait for their next turn; the others were not even tried.
    assert list(Task.objects.filter(send_at__gt=DUE).order_by("pk")) == tasks[:3]
    recorded.error = ""
    sweep_module.send_unclaimed(now=DUE)
    assert recorded.submitted == [(task.pk, 1) for task in tasks[3:]]
    sweep_module.send_unclaimed(now=DUE + ledger.UNCLAIMED_AFTER)
    assert len(recorded.submitted) == 7


def expired_ones(count: int) -> list[Task]:
    schedule = a_schedule(now=NOW)
    statuses_ = islice(cycle([Status.SCHEDULED, Status.RETRYING, Status.QUEUED]), count)
    return [a_task(schedule, now=NOW, expires=DUE, status=status) for status in statuses_]


def silent_ones(count: int) -> list[Task]:
    """Attempts whose processes are gone."""
    schedule = a_schedule(now=NOW)
    gone = ended_process()
    ids = [a_task(schedule, now=NOW).pk for _ in range(count)]
    found = [ledger.claim(pk, 1, worker="me", process=gone, now=NOW) for pk in ids]
    return [task for task in found if task is not None]


def waiting_ones(count: int) -> list[Task]:
    """Tasks of as many schedules that wait for one before them, which has ended; others that wait for their time."""
    for _ in range(count):
        a_task(a_schedule(now=NOW), now=NOW, status=Status.SCHEDULED, wait_until=NOW + timedelta(days=1))
    return [
        a_task(a_schedule(now=NOW, overlap="queue"), now=NOW, status=Status.SCHEDULED, send_at=None)
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("step", "module", "make", "becomes"),
    [
        (sweep_module.cancel_expired, sweep_module, expired_ones, Status.CANCELLED),
        (sweep_module.release_waiting, sweep_module, waiting_ones, Status.QUEUED),
        (lost_attempts.lose_silent, lost_attempts, silent_ones, Status.FAILED),
    ],
    ids=["cancel_expired", "release_waiting", "lose_silent"],
)
def test_a_step_does_a_bounded_number_and_what_is_left_goes_with_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
    step: Callable[..., None],
    module: ModuleType,
    make: Callable[[int], list[Task]],
    becomes: Status,
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    ids = [task.pk for task in make(7)]
    done = []
    for _ in range(4):
        step(now=DUE)
        done.append(Task.objects.filter(pk__in=ids, status=becomes).count())
    assert done == [3, 6, 7, 7]


def test_upkeep_releases_what_waits_for_a_task_that_was_lost(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW, overlap="queue")
    dispatch.dispatch_due("beat", now=DUE)
    dispatch.dispatch_due("beat", now=at("2026-11-20 10:10"))
    ledger.claim(recorded.submitted[0][0], 1, worker="me", process=ended_process(), now=DUE)
    sweep(now=at("2026-11-20 10:11"))
    assert statuses(schedule) == ["FAILED", "QUEUED"]
    assert len(recorded.submitted) == 2


def test_a_step_that_fails_is_told_and_does_not_stop_the_others(
    recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: object) -> None:
        raise DataError("smallint out of range")

    recorded.error = "away"
    a_schedule(now=NOW)
    dispatch.dispatch_due("beat", now=DUE)
    recorded.error = ""
    monkeypatch.setattr(sweep_module, "STEPS", (broken, *sweep_module.STEPS))
    sweep(now=DUE + ledger.UNCLAIMED_AFTER)
    assert len(recorded.submitted) == 1
    assert "upkeep: broken failed" in caplog.text
    assert "smallint out of range" in caplog.text


def test_upkeep_is_named_as_who_cancelled_a_task() -> None:
    [task] = expired_ones(1)
    sweep(now=DUE)
    last = task.event_log.select_related("actor").latest("number")
    assert (last.status, last.actor and last.actor.kind) == (Status.CANCELLED, "upkeep")


def test_an_error_of_one_statement_ends_the_round_only_where_it_is_of_the_whole_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A deadlock of PostgreSQL is over with its transaction; a file of SQLite that is locked is locked for all."""
    done: list[str] = []

    def locked(**_: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(sweep_module, "STEPS", (locked, lambda **_: done.append("next")))
    with suppress(OperationalError):
        sweep(now=DUE)
    assert done == ([] if connection.vendor == "sqlite" else ["next"])


def test_a_database_that_is_away_ends_the_round(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def away(**_: object) -> None:
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(sweep_module, "STEPS", (away, lambda **_: done.append("next")))
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    with pytest.raises(InterfaceError):
        sweep(now=DUE)
    assert done == []
