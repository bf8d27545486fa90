"""The commands as real processes, over the database of the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from backends.crontab.backend import CrontabBackend
from scheduling.lifecycle import Status
from scheduling.models import Process as ProcessRow
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[3]


def database_url() -> str:
    """The database of this test run, for the processes that a test starts."""
    where = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{where['NAME']}"
    user, password, host = (quote(str(where[key]), safe="") for key in ("USER", "PASSWORD", "HOST"))
    return f"postgresql://{user}:{password}@{host}:{where['PORT'] or 5432}/{where['NAME']}"


@contextmanager
def manage(*arguments: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a command of manage.py with `folder` as its TANDEM_VAR. It is ended with the block."""
    own = {"DATABASE_URL": database_url(), "TANDEM_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "settings.test"}
    with subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Repeat until the condition holds. The limit only matters for a failing test."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, f"not within a minute: {what}"
        time.sleep(0.05)


def due_inline(**parameters: object) -> Schedule:
    schedule = a_schedule(backend="crontab", executor="inline", cron="* * * * *", parameters=parameters)
    minute = timezone.now().replace(second=0, microsecond=0)
    Schedule.objects.update(cursor=minute - timedelta(seconds=1), next_due_at=minute)
    return schedule


def has_task(status: Status) -> bool:
    return Task.objects.filter(status=status).exists()


def test_a_wake_up_that_is_ended_records_its_task_as_failed(crontab_file: Path, tmp_path: Path) -> None:
    due_inline(steps=1, pause=60)
    with manage("due", folder=tmp_path / "var") as process:
        # The watch of a job begins to tell that its process lives when the job has run for a second.
        wait_until(ProcessRow.objects.filter(kind="inline").exists, "the job runs")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
    task = Task.objects.get(status=Status.FAILED)
    assert "SystemExit" in task.error


def test_what_a_killed_child_ran_is_given_up_by_its_parent(crontab_file: Path, tmp_path: Path) -> None:
    due_inline(steps=1, pause=60)
    with manage("due", folder=tmp_path / "var") as process:
        wait_until(lambda: has_task(Status.RUNNING), "the task runs")
        key = Task.objects.get(status=Status.RUNNING).process
        os.kill(int(key.split("-")[-2]), signal.SIGKILL)
        assert process.wait(60) == 0
    task = Task.objects.get(status=Status.FAILED)
    assert task.error == "Its process has ended."


def test_the_runner_runs_what_is_due_and_ends_when_told(crontab_file: Path, tmp_path: Path, settings: Settings) -> None:
    # settings.test puts the table into TANDEM_VAR, so that both look at the same one.
    settings.TANDEM_CRONTAB = f"file:{tmp_path / 'var' / 'crontab'}"
    due_inline()
    assert len(CrontabBackend().inspect()) == 1
    with manage("cron_runner", folder=tmp_path / "var") as runner:
        wait_until(lambda: has_task(Status.COMPLETED), "the runner ran what is due")
        assert CrontabBackend().health().ok
        with manage("cron_runner", folder=tmp_path / "var") as second:
            said = second.communicate(timeout=60)
        assert second.returncode == 1
        assert "Another cron_runner" in said[1]
        runner.send_signal(signal.SIGTERM)
        assert runner.wait(60) == 0
    assert "cron_runner" in CrontabBackend().health().detail
    assert not CrontabBackend().health().ok
