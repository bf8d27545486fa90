"""Telling that is interrupted, records that are damaged, and a disk that is full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, transaction

from backends.crontab.spool import record
from backends.crontab.spool.store import Spool
from scheduling import ledger, recorded_later
from scheduling.lifecycle import Status
from scheduling.models import Task, TaskLogLine
from tests.backends.crontab.spool import conftest
from tests.backends.crontab.spool.conftest import due_at, is_whole, minute, moment, statuses, tell, the_task

pytestmark = pytest.mark.django_db(transaction=True)


def test_telling_is_interrupted_between_the_commit_and_the_removal(
    spool: Spool, outage: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = due_at(minute(), parameters={"outcome": "broken"}, retries={"max": 2, "base": 0})
    outage()

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "told", killed)
        with pytest.raises(SystemExit):
            tell()
    before = statuses(the_task(schedule))
    assert before == ["QUEUED", "RUNNING", "RUNNING", "RETRYING"]
    # The next attempt waits until the record is gone.
    with transaction.atomic():
        ledger.queue_waiting([the_task(schedule).pk], now=moment())
    Task.objects.update(send_at=moment())
    conftest.run_left_behind()
    assert len(conftest.runs) == 1
    tell()
    tell()
    assert statuses(the_task(schedule)) == [*before, "QUEUED"]
    Task.objects.update(send_at=moment())
    conftest.run_left_behind()
    assert [context.attempt for context in conftest.runs] == [1, 2]


def test_a_database_that_goes_away_again_leaves_everything(
    spool: Spool, outage: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    due_at(minute())
    outage()

    def gone(*_: Any, **__: Any) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "complete", gone)
        with pytest.raises(OperationalError):
            tell()
    assert Task.objects.count() == 0
    assert len(list(spool.ended())) == 1
    tell()
    assert Task.objects.get().status == Status.COMPLETED


def test_a_record_that_cannot_be_told_does_not_stop_the_others(
    spool: Spool, outage: Callable[[], int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = due_at(minute()), due_at(minute())
    outage()
    whole = recorded_later.record

    def tell_one(run: Any, **rest: Any) -> str:
        if run.schedule_id == first.pk:
            raise ValueError("as asked")
        return whole(run, **rest)

    with monkeypatch.context() as patched:
        patched.setattr(recorded_later, "record", tell_one)
        tell()
    assert f"the run of schedule {first.pk}" in caplog.text
    assert the_task(second).status == Status.COMPLETED
    conftest.wake_up_here()
    assert len(conftest.runs) == 2
    assert the_task(first).status == Status.COMPLETED


@pytest.mark.parametrize(("on_lost", "status"), [("fail", Status.FAILED), ("retry", Status.RETRYING)])
def test_a_run_without_an_end_is_lost(spool: Spool, outage: Callable[[], int], on_lost: str, status: Status) -> None:
    schedule = due_at(minute(), on_lost=on_lost)
    outage()
    path = spool.folder / "runs" / record.name_of(schedule.pk, minute())
    path.write_bytes(path.read_bytes()[:-5])
    tell()
    task = the_task(schedule)
    assert (task.status, task.error) == (status, "Its process ended while the database was away.")
    is_whole()


@pytest.mark.parametrize("kept", [0, 1, 50])
def test_a_record_that_cannot_be_read_is_lost(spool: Spool, outage: Callable[[], int], kept: int) -> None:
    schedule = due_at(minute())
    outage()
    path = spool.folder / "runs" / record.name_of(schedule.pk, minute())
    path.write_bytes(path.read_bytes()[:kept])
    tell()
    tell()
    assert the_task(schedule).status == Status.FAILED
    assert TaskLogLine.objects.count() == 1
    assert len(conftest.runs) == 1
    is_whole()


def test_a_full_disk_begins_nothing_that_could_run_twice(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    schedule = due_at(minute())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("backends.crontab.spool.store.os.pwrite", full)
        conftest.wake_up_here()
    assert the_task(schedule).status == Status.QUEUED
    assert "does not begin" in caplog.text
    Task.objects.update(send_at=moment())
    conftest.run_left_behind()
    assert the_task(schedule).status == Status.COMPLETED
