"""Wake-ups of real processes whose PostgreSQL is stopped, or does not answer: told later, never run twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from backends.crontab.spool.store import here
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task, TaskLogLine
from scheduling.verification.examine import examine
from scheduling.verification.mismatch import Scope
from tests.conftest import a_schedule
from tests.live.installation import Installation, Process
from tests.servers.postgres import PostgresServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

# A wake-up that nobody answers waits for 20 s between its tries, and two seconds in each of them.
LONGEST: Final = 60.0


@pytest.fixture
def there(on_postgres: Installation, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation whose processes are those of a host with a private crontab."""
    table = f"file:{on_postgres.folder / 'crontab'}"
    monkeypatch.setenv("TANDEM_CRONTAB", table)
    settings.TANDEM_CRONTAB = table
    settings.VAR = on_postgres.folder
    return on_postgres


@contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    """Inside the block nobody listens."""
    connection.close()
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def hanging(server: PostgresServer) -> Iterator[None]:
    """Inside the block connections are taken, and never answered."""
    connection.close()
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


def due(there: Installation, job: str, **wanted: Any) -> Schedule:
    """A schedule that was due at the last whole minute, and is not due again today."""
    minute = timezone.now().replace(second=0, microsecond=0)
    asked = {"job": job, "parameters": {"path": str(there.runs)}, "executor": "inline", "database_away": "run"} | wanted
    cron = f"{minute.minute} {minute.hour} * * *"
    return a_schedule(backend="crontab", cron=cron, now=minute - timedelta(seconds=1), **asked)


def due_at(schedule: Schedule) -> datetime:
    assert schedule.next_due_at is not None
    return schedule.next_due_at


def wake(there: Installation, schedule: Schedule) -> Process:
    """What cron starts, with little patience."""
    return there.start("-m", "tests.live.impatient", "due")


def patient(there: Installation, schedule: Schedule) -> Process:
    """What cron starts."""
    return there.start("manage.py", "due")


def the_task(schedule: Schedule) -> Task:
    return Task.objects.get(schedule=schedule, due_at=due_at(schedule))


def is_whole() -> None:
    assert list(examine(Scope(now=timezone.now()))) == []


@pytest.mark.parametrize(
    ("away", "wake"),
    [
        (stopped, wake),
        pytest.param(stopped, patient, marks=pytest.mark.drill),
        pytest.param(hanging, patient, marks=pytest.mark.drill),
    ],
)
def test_two_wake_ups_at_once_run_it_once_and_it_is_told(
    there: Installation,
    postgres: PostgresServer,
    away: Callable[[PostgresServer], Any],
    wake: Callable[[Installation, Schedule], Process],
) -> None:
    schedule = due(there, "live.append")
    waiting = due(there, "live.append", database_away="wait")
    with away(postgres):
        wakes = [wake(there, schedule), wake(there, waiting)]
        assert [each.popen.wait(LONGEST) for each in wakes] == [1, 1]
        assert sum("1 runs began without it" in each.said() for each in wakes) == 1
        assert len(there.ran()) == 1
    back = [wake(there, schedule), wake(there, waiting)]
    assert [each.wait() for each in back] == [0, 0]
    task, late = the_task(schedule), the_task(waiting)
    assert (task.status, late.status) == (Status.COMPLETED, Status.COMPLETED)
    assert sorted(there.ran()) == [min(there.ran()), late.pk]
    assert "without the database" in task.attempts.get().worker
    assert TaskLogLine.objects.filter(task=late, message__startswith="cron woke testhost for this").exists()
    assert list(here().ended()) == []
    is_whole()


@pytest.mark.parametrize(
    ("on_lost", "status", "times"),
    [pytest.param("fail", Status.FAILED, 1, marks=pytest.mark.drill), ("retry", Status.COMPLETED, 2)],
)
def test_a_run_that_is_killed_is_lost_and_on_lost_decides(
    there: Installation, postgres: PostgresServer, on_lost: str, status: Status, times: int
) -> None:
    gate = str(there.folder / "gate")
    asked = {"path": str(there.runs), "gate": gate}
    schedule = due(there, "live.wait_at_first", parameters=asked, on_lost=on_lost)
    with stopped(postgres):
        first = wake(there, schedule)
        there.until(there.ran)
        second = wake(there, schedule)
        # The second one finds the schedule busy, or begun: it ends by itself.
        assert second.wait() == 1
        first.kill()
        assert wake(there, schedule).wait() == 1
        assert len(there.ran()) == 1
    assert wake(there, schedule).wait() == 0
    there.start("manage.py", "crontab_agent")
    there.until(lambda: the_task(schedule).status == status)
    assert len(there.ran()) == times
    assert list(here().ended()) == []


def test_telling_that_is_killed_after_its_commit_is_told_again(there: Installation, postgres: PostgresServer) -> None:
    schedule = due(there, "live.append")
    with stopped(postgres):
        assert wake(there, schedule).wait() == 1
    # A process of its own that dies between the commit and the removal.
    killed = there.start("-m", "tests.live.killed_telling")
    assert killed.wait() == -signal.SIGKILL
    assert the_task(schedule).status == Status.COMPLETED
    assert len(list(here().ended())) == 1
    before = the_task(schedule).events
    assert [each.wait() for each in (wake(there, schedule), wake(there, schedule))] == [0, 0]
    assert (the_task(schedule).events, list(here().ended()), len(there.ran())) == (before, [], 1)
    is_whole()


def test_a_wake_up_with_the_database_beside_one_without(there: Installation, postgres: PostgresServer) -> None:
    gate = str(there.folder / "gate")
    schedule = due(there, "live.wait_at_first", parameters={"path": str(there.runs), "gate": gate})
    running = wake(there, schedule)
    there.until(there.ran)
    with stopped(postgres):
        assert wake(there, schedule).wait() == 1
        assert len(there.ran()) == 1
    (there.folder / "gate").touch()
    # It may have looked for what was left behind just then, and given up. The job runs on in its child.
    assert running.wait() in {0, 1}
    there.until(lambda: the_task(schedule).status == Status.COMPLETED)
    assert len(there.ran()) == 1
    is_whole()


def test_limits_hold_without_a_database(there: Installation, postgres: PostgresServer) -> None:
    schedule = due(there, "live.deaf", timeout=1)
    with stopped(postgres):
        woken = wake(there, schedule)
        assert woken.wait() == -signal.SIGKILL
    assert wake(there, schedule).wait() == 0
    task = the_task(schedule)
    assert (task.status, task.error) == (Status.FAILED, "HardLimit: The hard time limit of 1 s has passed.")
