"""What the ledger has after it was told, whatever it had before, and however often telling was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from backends.crontab import agent, targets
from backends.crontab.spool import record
from backends.crontab.spool.store import Spool
from scheduling import dispatch, ledger, schedules
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task, TaskLogLine
from scheduling.upkeep.sweep import cancel_expired
from tests.backends.crontab.spool import conftest
from tests.backends.crontab.spool.conftest import due_at, is_whole, minute, moment, statuses, tell, the_task
from tests.backends.crontab.test_agent import FakeJobs

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_becomes_the_row_the_attempt_and_the_end_that_it_had(spool: Spool, outage: Callable[[], int]) -> None:
    schedule = due_at(minute())
    outage()
    [run] = spool.ended()
    tell()
    task = the_task(schedule)
    assert run.started is not None
    assert run.ended is not None
    assert (task.status, task.result, task.attempt, task.executor) == (Status.COMPLETED, "done", 1, "inline")
    assert (task.started_at, task.finished_at) == (run.started.started_at, run.ended.finished_at)
    assert task.progress == {"done": 1, "total": 2, "message": "half"}
    assert "without the database" in task.attempts.get().worker
    assert statuses(task) == ["QUEUED", "RUNNING", "RUNNING", "COMPLETED"]
    said = list(TaskLogLine.objects.filter(task=task).values_list("message", flat=True))
    assert said[0] == "step one"
    assert said[1].startswith("It ran on testhost while the database was away")
    schedule.refresh_from_db()
    assert schedule.cursor == minute()
    assert list(spool.ended()) == []
    is_whole()


def test_nothing_runs_it_again(spool: Spool, outage: Callable[[], int]) -> None:
    due_at(minute())
    stale = spool.plan.read_bytes()
    outage()
    conftest.wake_up_here()
    conftest.run_left_behind()
    # A sync that had read the database before that writes its plan only now.
    spool.plan.write_bytes(stale)
    assert outage() == 0
    assert len(conftest.runs) == 1
    is_whole()


def queued(schedule: Schedule) -> None:
    dispatch.fire(schedule.pk, now=moment(), woken_by="crontab")


def held_back(schedule: Schedule) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(overlap="queue")
    asked = {"job": "test.spooled", "executor": "inline", "host": "testhost", "woken_by": "request"}
    later = moment() + timedelta(hours=1)
    ledger.record([Task(name="o", schedule=schedule, status="QUEUED", send_at=later, **asked)], moment())
    queued(schedule)


def missed(schedule: Schedule) -> None:
    dispatch.fire(schedule.pk, now=moment() + timedelta(minutes=30), woken_by="crontab")


def skipped(schedule: Schedule) -> None:
    schedules.pause(schedule.pk, now=moment())


@pytest.mark.parametrize("before", [queued, held_back, missed, skipped])
def test_a_row_that_never_ran_is_told_as_it_ran(
    spool: Spool, outage: Callable[[], int], before: Callable[[Schedule], None]
) -> None:
    schedule = due_at(minute())
    outage()
    before(schedule)
    tell()
    task = the_task(schedule)
    assert (task.status, task.result) == (Status.COMPLETED, "done")
    assert list(spool.ended()) == []
    assert not (spool.folder / "conflicts").exists()


def ran_elsewhere(schedule: Schedule) -> None:
    [task] = dispatch.fire(schedule.pk, now=moment(), woken_by="crontab")
    claimed = ledger.claim(task.pk, 1, worker="on db2", now=moment())
    assert claimed is not None
    ledger.complete(claimed, result="theirs", now=moment())


def cancelled(schedule: Schedule) -> None:
    [task] = dispatch.fire(schedule.pk, now=moment(), woken_by="crontab")
    ledger.cancel(task.pk, reason="nobody wants it", now=moment())


@pytest.mark.parametrize(("before", "status"), [(ran_elsewhere, Status.COMPLETED), (cancelled, Status.CANCELLED)])
def test_what_contradicts_the_ledger_is_said_and_kept(
    spool: Spool, outage: Callable[[], int], before: Callable[[Schedule], None], status: Status,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    schedule = due_at(minute())
    outage()
    before(schedule)
    tell()
    task = the_task(schedule)
    assert (task.status, task.result) == (status, "theirs" if status == Status.COMPLETED else None)
    assert TaskLogLine.objects.filter(task=task, message__startswith="It also ran on testhost without").count() == 1
    assert "contradicts the ledger" in caplog.text
    assert [path.name for path in (spool.folder / "conflicts").iterdir()] == [record.name_of(schedule.pk, minute())]
    is_whole()


def test_what_was_due_before_it_is_decided_by_the_policies(spool: Spool, outage: Callable[[], int]) -> None:
    schedule = due_at(minute() - timedelta(minutes=3))
    outage()
    tell()
    rows = Task.objects.filter(schedule=schedule).order_by("due_at").values_list("status", flat=True)
    assert list(rows) == ["MISSED", "MISSED", "MISSED", "COMPLETED"]
    is_whole()


def test_the_row_says_what_ran_though_the_schedule_is_another(spool: Spool, outage: Callable[[], int]) -> None:
    schedule = due_at(minute())
    outage()
    Schedule.objects.filter(pk=schedule.pk).update(parameters={"outcome": "new"}, version=2)
    tell()
    assert the_task(schedule).parameters == {}


def test_the_run_of_a_schedule_that_is_deleted_is_told(spool: Spool, outage: Callable[[], int]) -> None:
    schedule = due_at(minute())
    outage()
    Schedule.objects.all().delete()
    tell()
    task = Task.objects.get(schedule_id=schedule.pk)
    assert (task.status, task.due_at) == (Status.COMPLETED, minute())


def test_a_wake_up_without_a_database_is_told_on_the_rows(spool: Spool, outage: Callable[[], int]) -> None:
    schedule = due_at(minute(), database_away="wait")
    outage()
    late = due_at(minute() - timedelta(minutes=1), database_away="wait")
    tell()
    assert the_task(schedule).status == Status.QUEUED
    [line] = TaskLogLine.objects.filter(task=the_task(schedule))
    assert line.message.startswith("cron woke testhost for this")
    assert "it was back at" in line.message
    missed_row = Task.objects.get(schedule=late, status=Status.MISSED)
    assert TaskLogLine.objects.filter(task=missed_row).count() == 1
    assert not spool.wakes.exists()
    conftest.run_left_behind()
    assert the_task(schedule).status == Status.COMPLETED


def test_the_agent_tells(spool: Spool, outage: Callable[[], int], crontab_file: Path) -> None:
    schedule = due_at(minute())
    outage()
    agent.Agent(targets.FileTarget(crontab_file), FakeJobs()).step(moment())
    assert the_task(schedule).status == Status.COMPLETED


def test_one_tells_at_a_time(spool: Spool, outage: Callable[[], int]) -> None:
    schedule = due_at(minute())
    outage()
    with spool.telling() as ours:
        assert ours
        tell()
        # Whoever does not wait for it cannot run it again all the same.
        conftest.wake_up_here()
    assert len(conftest.runs) == 1
    assert the_task(schedule).status == Status.QUEUED
    tell()
    assert the_task(schedule).status == Status.COMPLETED


def test_without_anything_in_it_there_is_no_folder(spool: Spool) -> None:
    conftest.due_at(minute(), database_away="wait")
    tell()
    assert not spool.folder.exists()


def test_a_row_that_expired_while_its_host_was_cut_off_is_told_as_it_ran(
    spool: Spool, outage: Callable[[], int]
) -> None:
    schedule = due_at(minute())
    outage()
    queued(schedule)
    Task.objects.filter(schedule=schedule).update(expires=moment())
    cancel_expired(now=moment())
    assert the_task(schedule).status == Status.CANCELLED
    tell()
    assert (the_task(schedule).status, the_task(schedule).result) == (Status.COMPLETED, "done")
    is_whole()
