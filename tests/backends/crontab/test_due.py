"""`due`: what a wake-up does, in this process and as the command that cron calls."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from backends.crontab import agent_socket, look, turn, wake_up, wake_up_alone
from scheduling import processes
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("jobs_here")]


def due(schedule: Schedule) -> datetime:
    """Make the schedule due at the last whole minute."""
    minute = timezone.now().replace(second=0, microsecond=0)
    before = minute - timedelta(seconds=1)
    Schedule.objects.filter(pk=schedule.pk).update(cursor=before, next_due_at=minute)
    return minute


@contextmanager
def database_away(times: int) -> Iterator[list[int]]:
    """The first queries fail, as during a restart of the database."""
    left = [times]

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OperationalError("server closed the connection\nunexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield left


def test_what_is_due_runs_here(crontab_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    minute = due(schedule)
    call_command("due")
    task = Task.objects.get()
    assert (task.status, task.due_at, task.woken_by) == (Status.COMPLETED, minute, "crontab")
    assert capsys.readouterr() == ("", "")


def test_all_that_is_due_is_decided_at_once_by_a_constant_number_of_queries(crontab_file: Path) -> None:
    counts = []
    for many in (1, 3):
        for _ in range(many):
            due(a_schedule(backend="crontab", executor="inline", cron="* * * * *"))
        with CaptureQueriesContext(connection) as queries:
            assert len(wake_up.decide()) == many
        counts.append(len(queries))
        Schedule.objects.all().delete()
    assert counts[0] == counts[1]


def test_a_second_wake_up_finds_nothing(crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    due(schedule)
    assert len(wake_up.decide()) == 1
    due(schedule)
    assert wake_up.decide() == []
    assert Task.objects.count() == 1


def test_the_schedules_of_other_hosts_and_of_beat_are_left_to_them(crontab_file: Path) -> None:
    far = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    due(far)
    due(a_schedule(backend="beat", cron="* * * * *"))
    Schedule.objects.filter(pk=far.pk).update(host="far")
    look.renewed()
    assert not look.something_to_do()
    call_command("due")
    assert Task.objects.count() == 0


def test_what_a_worker_runs_is_handed_over(crontab_file: Path, recorded: RecordingExecutor) -> None:
    schedule = a_schedule(backend="crontab", executor="worker", cron="* * * * *")
    due(schedule)
    call_command("due")
    assert recorded.submitted == [(Task.objects.get(schedule=schedule).pk, 1)]


def test_a_look_finds_what_is_due_and_what_was_left_behind(crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    look.renewed()
    assert not look.something_to_do()
    due(schedule)
    assert look.something_to_do()
    wake_up.decide()
    assert not look.something_to_do()
    Task.objects.update(send_at=timezone.now())
    assert look.something_to_do()


def test_a_look_finds_an_attempt_whose_process_is_gone(crontab_file: Path) -> None:
    look.renewed()
    due(a_schedule(backend="crontab", executor="inline", cron="* * * * *"))
    [task] = wake_up.decide()
    with subprocess.Popen(["/bin/sleep", "60"]) as sleeper:
        gone = processes._identity(sleeper.pid)
        Task.objects.filter(pk=task.pk).update(status=Status.RUNNING, process=gone, send_at=None)
        assert not look.something_to_do()
        sleeper.kill()
    assert look.something_to_do()


def test_the_table_is_renewed_where_no_agent_lives(crontab_file: Path, settings: Settings) -> None:
    a_schedule(backend="crontab", cron="0 0 1 1 *")
    crontab_file.unlink()
    call_command("due")
    assert crontab_file.exists()
    crontab_file.unlink()
    call_command("due")
    assert not crontab_file.exists()
    [stamp] = Path(settings.VAR).glob("agent/renewed")
    long_ago = stamp.stat().st_mtime - 86_400
    os.utime(stamp, (long_ago, long_ago))
    with agent_socket.bound():
        assert not look.something_to_do()
    call_command("due")
    assert crontab_file.exists()


def test_the_turn_is_given_back_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = os.open(tmp_path / "turn", os.O_RDWR | os.O_CREAT)
    monkeypatch.setenv("TANDEM_TURN", str(file))
    turn.give_back()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)
    assert "TANDEM_TURN" not in os.environ
    turn.give_back()


def test_what_was_left_behind_here_runs(crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    due(schedule)
    wake_up.decide()
    call_command("due")
    assert Task.objects.get().status == Status.QUEUED
    Task.objects.update(send_at=timezone.now())
    call_command("due")
    assert Task.objects.get().status == Status.COMPLETED


def test_the_process_is_as_it_was_afterwards(crontab_file: Path) -> None:
    before = [handler.level for handler in logging.getLogger().handlers], signal.getsignal(signal.SIGTERM)
    call_command("due")
    assert ([handler.level for handler in logging.getLogger().handlers], signal.getsignal(signal.SIGTERM)) == before


def test_a_database_that_comes_back_is_waited_for(crontab_file: Path, transactional_db: None) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    due(schedule)
    slept: list[float] = []
    with database_away(times=3):
        assert len(wake_up.decide(sleep=slept.append)) == 1
    assert slept == list(look.PAUSES[:3])


def test_a_database_that_stays_away_is_given_up_after_twenty_seconds(
    crontab_file: Path, transactional_db: None
) -> None:
    slept: list[float] = []
    with database_away(times=1000), pytest.raises(OperationalError):
        wake_up.decide(sleep=slept.append)
    assert sum(slept) == pytest.approx(20)


def test_one_clear_line_says_that_the_database_is_away(
    crontab_file: Path, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "PAUSES", ())
    with database_away(times=1000), pytest.raises(CommandError) as raised:
        call_command("due")
    assert str(raised.value).startswith("The database is away")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("arguments", [["one"], ["--left-behind"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("due", *arguments)


def test_an_end_that_is_lost_in_the_error_of_a_query_ends_it_all_the_same(
    crontab_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise OperationalError("user-defined function raised exception")

    monkeypatch.setattr(wake_up, "lose_gone", interrupted)
    with pytest.raises(SystemExit) as ended:
        wake_up_alone.run(decided=lambda: None, told_to_end=lambda: True)
    assert ended.value.code == 128 + signal.SIGTERM
    with pytest.raises(OperationalError):
        wake_up_alone.run(decided=lambda: None, told_to_end=lambda: False)
