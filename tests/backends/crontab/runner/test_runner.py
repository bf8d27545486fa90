"""The embedded runner, with a clock of the test and as the real command."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from backends.crontab import files, loop, targets
from backends.crontab.agent import Agent
from backends.crontab.runner.runner import Runner
from backends.crontab.targets import FileTarget
from tests.backends.crontab.test_agent import FakeJobs
from tests.conftest import a_schedule, at


class Woken:
    """Counts wake-ups."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.mark.django_db
def test_a_minute_with_a_line_wakes_once(crontab_file: Path) -> None:
    for cron in ("*/2 * * * *", "*/4 * * * *"):
        a_schedule(backend="crontab", cron=cron)
    start = at("2026-11-20 08:00:10")
    target, woken = FileTarget(crontab_file), Woken()
    runner = Runner(target, Agent(target, FakeJobs()), woken, start)
    for second in range(0, 300, 5):
        runner.step(start + timedelta(seconds=second))
    assert woken.times == 2


@pytest.mark.django_db
def test_a_line_that_was_changed_is_not_ours(crontab_file: Path) -> None:
    a_schedule(backend="crontab", cron="* * * * *")
    ours = next(line for line in crontab_file.read_text().splitlines() if line.endswith(" due"))
    crontab_file.write_text(crontab_file.read_text().replace(ours, f"{ours}; touch owned"))
    target, woken = FileTarget(crontab_file), Woken()
    Runner(target, Agent(target, FakeJobs()), woken, at("2026-11-20 08:00")).step(at("2026-11-20 08:01"))
    assert woken.times == 0


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
