"""What a wake-up without a database runs, and what it leaves."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoDbBlocker, Settings

from backends.crontab import look
from backends.crontab.spool import away, plan, record, store, wakes
from backends.crontab.spool.store import Spool
from scheduling.models import Schedule
from scheduling.spooled_run import RunEnd
from tests.backends.crontab.spool import conftest
from tests.backends.crontab.spool.conftest import due_at, minute
from tests.backends.crontab.test_due import database_away

pytestmark = pytest.mark.django_db(transaction=True)


def without_database(blocker: DjangoDbBlocker) -> int:
    """As a wake-up that has no database at all: any query fails the test."""
    with blocker.block():
        return away.without_database()


def test_what_is_due_runs_once_and_is_written_down(spool: Spool, django_db_blocker: DjangoDbBlocker) -> None:
    schedule = due_at(minute(), parameters={"outcome": "done"})
    assert without_database(django_db_blocker) == 1
    assert without_database(django_db_blocker) == 0
    [context] = conftest.runs
    assert (context.due_at, context.attempt, context.cancelled, context.still_mine()) == (minute(), 1, False, True)
    assert context.task_id < 0
    [run] = spool.ended()
    assert run.started is not None
    assert run.ended is not None
    assert (run.started.schedule, run.due_at) == (schedule, minute())
    assert (run.ended.how, run.ended.result, [line.message for line in run.lines]) == (
        RunEnd.COMPLETED,
        "done",
        ["step one"],
    )
    assert run.ended.progress is not None
    assert run.ended.progress.message == "half"


def test_nobody_else_reads_it(spool: Spool, django_db_blocker: DjangoDbBlocker) -> None:
    due_at(minute())
    without_database(django_db_blocker)
    made = [spool.folder, *(path for path in spool.folder.rglob("*") if path.is_dir() or path.name != "lock")]
    assert len(made) == 7
    assert {path.stat().st_mode & 0o077 for path in made} == {0}


def test_a_job_that_fails_is_written_down_with_its_traceback(spool: Spool, django_db_blocker: DjangoDbBlocker) -> None:
    due_at(minute(), parameters={"outcome": "broken"}, retries={"max": 1, "base": 60, "jitter": 0})
    assert without_database(django_db_blocker) == 1
    [run] = spool.ended()
    assert run.ended is not None
    assert (run.ended.how, run.ended.error, run.ended.retry_in) == (RunEnd.FAILED, "ValueError: broken", 60)
    assert "Traceback" in run.ended.traceback


def test_a_schedule_that_waits_is_not_run(spool: Spool, django_db_blocker: DjangoDbBlocker) -> None:
    due_at(minute(), database_away="wait")
    assert without_database(django_db_blocker) == 0
    assert not spool.plan.exists()
    noted = wakes.read(spool)
    assert noted is not None
    assert len(noted.at) == 1


def test_what_is_beyond_the_grace_or_over_is_not_run(spool: Spool, django_db_blocker: DjangoDbBlocker) -> None:
    due_at(minute() - timedelta(minutes=10), cron="0 0 1 1 *", grace=timedelta(minutes=5))
    due_at(minute(), ends_at=minute() - timedelta(minutes=3))
    moved = due_at(minute())
    Schedule.objects.filter(pk=moved.pk).update(host="far")
    assert without_database(django_db_blocker) == 1
    Schedule.objects.all().delete()


def test_of_several_that_are_due_the_newest_runs(spool: Spool, django_db_blocker: DjangoDbBlocker) -> None:
    due_at(minute() - timedelta(minutes=3))
    assert without_database(django_db_blocker) == 1
    assert [run.due_at for run in spool.ended()] == [minute()]


def test_one_at_a_time_of_each_schedule(spool: Spool, django_db_blocker: DjangoDbBlocker) -> None:
    schedule = due_at(minute() - timedelta(minutes=1))
    with spool.lock():
        running = spool.begin(schedule.pk, minute() - timedelta(minutes=1), b"")
    assert running is not None
    assert without_database(django_db_blocker) == 0
    assert list(spool.ended()) == []
    running.close()
    assert without_database(django_db_blocker) == 1


def test_what_was_begun_with_the_database_is_not_run(spool: Spool, django_db_blocker: DjangoDbBlocker) -> None:
    schedule = due_at(minute())
    with spool.lock():
        assert spool.begin_with_database(schedule.pk, minute())
    assert without_database(django_db_blocker) == 0


def test_what_cannot_be_written_down_is_not_run_and_said(
    spool: Spool, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    schedule = due_at(minute())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert without_database(django_db_blocker) == 0
    said = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert said == [
        "this wake-up cannot be noted: [Errno 28] No space left on device",
        f"schedule {schedule.pk} is not run without the database: [Errno 28] No space left on device",
    ]
    assert conftest.runs == []
    assert list(spool.ended()) == []
    monkeypatch.undo()


def test_beyond_its_bound_nothing_is_begun(
    spool: Spool, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    due_at(minute())
    due_at(minute())
    monkeypatch.setattr(store, "MOST_RUNS", 1)
    assert without_database(django_db_blocker) == 1
    assert "1 runs without the database are not told yet" in caplog.text
    monkeypatch.setattr(store, "MOST_RUNS", 10)
    monkeypatch.setattr(store, "MOST_BYTES", 1)
    assert without_database(django_db_blocker) == 0


def test_a_plan_that_cannot_be_read_runs_nothing(
    spool: Spool, django_db_blocker: DjangoDbBlocker, caplog: pytest.LogCaptureFixture
) -> None:
    due_at(minute())
    whole = spool.plan.read_bytes()
    later = json.loads(whole)
    later[0]["fields"]["a_later_field"] = 1
    for damaged in (b"", whole[:-9], b"[1]", b'{"a": 1}', json.dumps(later).encode(), b"\xff"):
        spool.plan.write_bytes(damaged)
        assert without_database(django_db_blocker) == 0
    assert caplog.text.count("the plan for runs without the database cannot be read") == 6


def test_what_a_limit_concerns_is_in_no_plan(spool: Spool, settings: Settings) -> None:
    due_at(minute())
    assert spool.plan.exists()
    settings.TANDEM_TASK_LIMITS = {"job:test.spooled": {"concurrency": 1}}
    plan.write(spool)
    assert not spool.plan.exists()


def test_the_oldest_wake_ups_are_kept_and_the_others_counted(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakes, "MOST_WAKES", 2)
    moments = [minute() + timedelta(minutes=number) for number in range(4)]
    with spool.lock():
        for moment in moments:
            wakes.note(spool, now=moment)
    assert wakes.read(spool) == wakes.Wakes(tuple(moments[:2]), 2, moments[-1])
    spool.wakes.write_bytes(b"torn")
    assert wakes.read(spool) is None


def test_a_record_is_held_as_long_as_its_run_lasts(spool: Spool) -> None:
    with spool.lock():
        file = spool.begin(1, minute(), b"x\n")
        assert file is not None
        assert spool.begin(1, minute(), b"") is None
        assert spool.begin(1, minute() - timedelta(minutes=1), b"") is None
        assert not spool.begin_with_database(1, minute())
        assert spool.is_busy(1)
    file.close()
    with spool.lock():
        assert not spool.is_busy(1)
    assert [(run.schedule_id, run.started) for run in spool.ended()] == [(1, None)]


def test_the_command_says_once_what_it_did(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    due_at(minute())
    monkeypatch.setattr(look, "PAUSES", ())
    with database_away(times=1000), pytest.raises(CommandError, match="1 runs began without it"):
        call_command("due")
    assert capsys.readouterr() == ("", "")
    assert len(conftest.runs) == 1


def test_begun_can_be_cut_off_anywhere(spool: Spool, django_db_blocker: DjangoDbBlocker) -> None:
    schedule = due_at(minute())
    assert without_database(django_db_blocker) == 1
    [run] = spool.ended()
    spool.told(run)
    note: Path = spool.folder / "begun" / str(schedule.pk)
    whole = note.read_bytes()
    for length in range(len(whole) + 1):
        note.write_bytes(whole[:length])
        assert without_database(django_db_blocker) == 0
    note.write_bytes(b"2026-11-21T10:00")
    with spool.lock():
        assert spool.begin_with_database(schedule.pk, minute())
    assert note.read_bytes() == whole


def test_a_run_without_a_beginning_is_still_begun(spool: Spool, django_db_blocker: DjangoDbBlocker) -> None:
    schedule = due_at(minute())
    assert without_database(django_db_blocker) == 1
    path = spool.folder / "runs" / record.name_of(schedule.pk, minute())
    (spool.folder / "begun" / str(schedule.pk)).unlink()
    content = path.read_bytes()
    for length in (0, 1, len(content) // 2, len(content)):
        path.write_bytes(content[:length])
        assert without_database(django_db_blocker) == 0
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert list(spool.ended()) == []
