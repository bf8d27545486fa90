"""The embedded runner, with a clock of the test and as the real command."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from backends.crontab import files, loop, targets
from backends.crontab.fire_processes import Children
from backends.crontab.runner.runner import Runner
from backends.crontab.targets import FileTarget
from tests.backends.crontab.test_fire_processes import FakeProcess, Started
from tests.conftest import a_schedule, at


@pytest.mark.django_db
def test_all_schedules_are_woken_at_once_at_their_minutes(crontab_file: Path) -> None:
    for cron in ("*/2 * * * *", "*/4 * * * *"):
        a_schedule(backend="crontab", cron=cron)
    started = Started()
    start = at("2026-11-20 08:00:10")
    runner = Runner(FileTarget(crontab_file), Children(["python", "manage.py"], started), start)
    for second in range(300):
        runner.step(start + timedelta(seconds=second))
    assert [process.command for process in started] == [["python", "manage.py", "due"]] * 2


@pytest.mark.django_db
def test_the_text_of_a_line_is_never_run(crontab_file: Path) -> None:
    a_schedule(backend="crontab", cron="* * * * *")
    ours = next(line for line in crontab_file.read_text().splitlines() if line.endswith(" due"))
    crontab_file.write_text(crontab_file.read_text().replace(ours, f"{ours}\n{ours}; touch owned"))
    commands: list[list[str]] = []

    def start(command: Sequence[str]) -> FakeProcess:
        commands.append(list(command))
        return FakeProcess(command)

    runner = Runner(FileTarget(crontab_file), Children(["manage.py"], start), at("2026-11-20 08:00"))
    runner.step(at("2026-11-20 08:01"))
    assert commands == [["manage.py", "due"]]


def test_the_loop_steps_at_the_beginning_of_seconds_until_it_is_stopped() -> None:
    stop = threading.Event()
    clock = [at("2026-11-20 08:00") + timedelta(milliseconds=250)]
    seen = []

    def step(now: object) -> None:
        seen.append(now)
        if len(seen) == 3:
            stop.set()

    def wait(seconds: float) -> None:
        clock[0] += timedelta(seconds=seconds)

    loop.run(step, stop=stop, now=lambda: clock[0], wait=wait)
    first = at("2026-11-20 08:00")
    assert seen[1:] == [first + timedelta(seconds=1), first + timedelta(seconds=2)]


def test_a_second_runner_of_the_same_file_is_refused(crontab_file: Path, settings: Settings) -> None:
    lock = targets.lock_path(FileTarget(crontab_file), Path(settings.VAR), "runner")
    with files.exclusive(lock), pytest.raises(CommandError, match="Another cron_runner"):
        call_command("cron_runner")


def test_a_table_that_is_no_file_is_refused(settings: Settings) -> None:
    settings.TANDEM_CRONTAB = "user"
    with pytest.raises(CommandError, match="file:/absolute/path"):
        call_command("cron_runner")
