"""`fire`: what a wake-up does, in this process and as the command that cron calls."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from backends.crontab import wake_up
from scheduling import dispatch
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db


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
    call_command("fire", str(schedule.pk))
    task = Task.objects.get()
    assert (task.status, task.due_at, task.woken_by) == (Status.COMPLETED, minute, "crontab")
    assert capsys.readouterr() == ("", "")


def test_a_second_wake_up_finds_nothing(crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    due(schedule)
    wake_up.fire(schedule.pk)
    Schedule.objects.update(cron="0 0 1 1 *")
    due(schedule)
    wake_up.fire(schedule.pk)
    assert Task.objects.count() == 1


def test_a_schedule_that_is_gone_is_no_error(crontab_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("fire", "424242")
    assert capsys.readouterr() == ("", "")


def test_tasks_of_another_host_wait_for_it(crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    due(schedule)
    Schedule.objects.update(host="far")
    call_command("fire", str(schedule.pk))
    task = Task.objects.get()
    assert (task.status, task.host) == (Status.QUEUED, "far")


def test_what_was_left_behind_here_runs(crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    due(schedule)
    dispatch.fire(schedule.pk, now=timezone.now(), woken_by="crontab")
    call_command("fire", "--left-behind")
    assert Task.objects.get().status == Status.QUEUED
    Task.objects.update(send_at=timezone.now())
    call_command("fire", "--left-behind")
    assert Task.objects.get().status == Status.COMPLETED


def test_the_process_is_as_it_was_afterwards(crontab_file: Path) -> None:
    before = [handler.level for handler in logging.getLogger().handlers], signal.getsignal(signal.SIGTERM)
    call_command("fire", "--left-behind")
    assert ([handler.level for handler in logging.getLogger().handlers], signal.getsignal(signal.SIGTERM)) == before


def test_a_database_that_comes_back_is_waited_for(crontab_file: Path, transactional_db: None) -> None:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *")
    due(schedule)
    slept: list[float] = []
    with database_away(times=3):
        wake_up.fire(schedule.pk, sleep=slept.append)
    assert slept == list(wake_up.PAUSES[:3])
    assert Task.objects.get().status == Status.COMPLETED


def test_a_database_that_stays_away_is_given_up_after_twenty_seconds(
    crontab_file: Path, transactional_db: None
) -> None:
    slept: list[float] = []
    with database_away(times=1000), pytest.raises(OperationalError):
        wake_up.fire(1, sleep=slept.append)
    assert sum(slept) == pytest.approx(20)


def test_one_clear_line_says_that_the_database_is_away(
    crontab_file: Path, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake_up, "PAUSES", ())
    with database_away(times=1000), pytest.raises(CommandError) as raised:
        call_command("fire", "1")
    assert str(raised.value).startswith("The database is away")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("arguments", [[], ["one"], ["1", "--left-behind"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("fire", *arguments)
