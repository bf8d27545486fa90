"""The crontab agent, with a clock of the test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from backends.crontab.agent import SYNC_EVERY, Agent
from backends.crontab.backend import CrontabBackend
from backends.crontab.targets import FileTarget
from scheduling import dispatch, ledger, processes, schedules
from scheduling.lifecycle import Status
from scheduling.models import Host, Schedule, SyncState, Task
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db


class FakeJobs:
    """Notes the tasks that it is given, and can tell of a child that died."""

    def __init__(self) -> None:
        self.ran: list[int] = []
        self.died = False

    def run(self, tasks: Iterable[Task]) -> None:
        self.ran += [task.pk for task in tasks]

    def child_died(self) -> bool:
        died, self.died = self.died, False
        return died


@pytest.fixture
def jobs() -> FakeJobs:
    """What the agent runs tasks with."""
    return FakeJobs()


@pytest.fixture
def agent(crontab_file: Path, jobs: FakeJobs) -> Agent:
    return Agent(FileTarget(crontab_file), jobs)


def test_the_first_step_repairs_the_table_and_reports_what_it_found(agent: Agent, crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab")
    crontab_file.unlink()
    now = timezone.now()
    agent.step(now)
    host = Host.objects.get(name="testhost")
    [entry] = CrontabBackend().entries(schedule)
    assert host.drift == [f"missing: {entry.text}"]
    assert host.heartbeat_at == now
    assert CrontabBackend().inspect() == [entry]


def test_between_its_times_it_leaves_the_table_alone(agent: Agent, crontab_file: Path) -> None:
    a_schedule(backend="crontab")
    now = timezone.now()
    agent.step(now)
    crontab_file.unlink()
    agent.step(now + SYNC_EVERY - timedelta(seconds=1))
    assert not crontab_file.exists()
    agent.step(now + SYNC_EVERY)
    assert crontab_file.exists()


def test_a_clock_put_back_does_not_stop_it(agent: Agent, crontab_file: Path) -> None:
    a_schedule(backend="crontab")
    now = timezone.now()
    agent.step(now)
    crontab_file.unlink()
    agent.step(now - timedelta(days=1))
    assert crontab_file.exists()


def test_an_unreadable_table_is_reported(agent: Agent, crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab")
    Schedule.objects.update(sync_state=SyncState.PENDING)
    crontab_file.unlink()
    crontab_file.mkdir()
    agent.step(timezone.now())
    assert "cannot be read" in Host.objects.get(name="testhost").error
    schedule.refresh_from_db()
    assert schedule.sync_state == SyncState.OUT_OF_SYNC
    assert "cannot be read" in schedule.sync_error


def test_schedules_that_waited_for_it_are_in_sync_after_it(agent: Agent) -> None:
    running, paused = a_schedule(backend="crontab"), a_schedule(backend="crontab")
    schedules.pause(paused.pk, now=timezone.now())
    Schedule.objects.update(sync_state=SyncState.PENDING, sync_error="The agent installs it.")
    elsewhere = a_schedule(backend="crontab")
    Schedule.objects.filter(pk=elsewhere.pk).update(sync_state=SyncState.PENDING, host="far")
    agent.step(timezone.now())
    states = dict(Schedule.objects.values_list("pk", "sync_state"))
    assert states == {running.pk: SyncState.IN_SYNC, paused.pk: SyncState.IN_SYNC, elsewhere.pk: SyncState.PENDING}


def test_tasks_that_were_left_behind_here_are_started(agent: Agent, jobs: FakeJobs) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    now = timezone.now() + timedelta(minutes=2)
    [task] = dispatch.fire(schedule.pk, now=now, woken_by="crontab")
    agent.step(now)
    assert jobs.ran == []
    late = now + ledger.UNCLAIMED_AFTER
    agent.step(late)
    agent.step(late + timedelta(seconds=1))
    assert jobs.ran == [task.pk]
    assert task.host == "testhost"


def test_what_a_child_ran_that_died_is_given_up_at_once(agent: Agent, jobs: FakeJobs) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    now = timezone.now() + timedelta(minutes=2)
    [task] = dispatch.fire(schedule.pk, now=now, woken_by="crontab")
    agent.step(now)
    # It lives until its key is known: of a process that is gone there is none.
    with subprocess.Popen(["/bin/sleep", "600"]) as gone:
        key = processes._identity(gone.pid)
        gone.kill()
    Task.objects.filter(pk=task.pk).update(status=Status.RUNNING, process=key, attempt=1, send_at=None)
    agent.step(now + timedelta(seconds=1))
    task.refresh_from_db()
    assert task.status == Status.RUNNING
    jobs.died = True
    agent.step(now + timedelta(seconds=1))
    task.refresh_from_db()
    assert task.error == "Its process has ended."


def test_the_command_looks_once(crontab_file: Path, settings: Settings) -> None:
    a_schedule(backend="crontab")
    crontab_file.unlink()
    call_command("crontab_agent", "--once")
    assert crontab_file.exists()
    crontab_file.unlink()
    crontab_file.mkdir()
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("crontab_agent", "--once")
    settings.TANDEM_CRONTAB = "none"
    with pytest.raises(CommandError, match="TANDEM_CRONTAB"):
        call_command("crontab_agent", "--once")
