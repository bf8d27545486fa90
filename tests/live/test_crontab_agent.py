"""The agent of a crontab and what is done to it while a wake-up comes: it is killed, stopped, or overrun."""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from backends.crontab import wrapper
from scheduling.lifecycle import Status
from scheduling.models import Process as ProcessRow
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.live.installation import Installation, Process

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

# What a person may have set in the table for other commands.
HOSTILE = {
    "DATABASE_URL": "sqlite:////nowhere/another.sqlite3",
    "DJANGO_SETTINGS_MODULE": "settings.production",
    "LOG_LEVEL": "NONSENSE",
    "PYTHONHOME": "/nowhere",
    "PYTHONPATH": "/nowhere",
    "TANDEM_HOST": "another",
    "TZ": "Asia/Tokyo",
    "PATH": "/nowhere",
}


@pytest.fixture
def host(on_postgres: Installation, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation whose crontab is a file that nobody runs: the test wakes it."""
    settings.VAR = on_postgres.folder
    settings.TANDEM_CRONTAB = f"file:{on_postgres.folder / 'crontab'}"
    settings.TANDEM_ENVIRONMENT_NAMES = {*settings.TANDEM_ENVIRONMENT_NAMES, "PYTEST_XDIST_WORKER", "TANDEM_TEST_OWNER"}
    # The test writes the wrapper, too.
    surroundings = {
        "DJANGO_SETTINGS_MODULE": "tests.live.live_settings",
        "DATABASE_URL": on_postgres.database_url,
        "BROKER_URL": on_postgres.broker_url,
        "TANDEM_VAR": str(on_postgres.folder),
        "TANDEM_CRONTAB": settings.TANDEM_CRONTAB,
    }
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    return on_postgres


def an_agent(host: Installation, command: str = "crontab_agent") -> Process:
    """An agent that answers wake-ups, and whose wrapper is there."""
    before = set(ProcessRow.objects.values_list("pk", flat=True))
    agent = host.start("manage.py", command)
    host.until(lambda: ProcessRow.objects.filter(kind="agent").exclude(pk__in=before).exists())
    host.until(lambda: wrapper.path().exists() and (host.folder / "agent" / "socket").exists())
    return agent


def due(job: str, **parameters: object) -> Schedule:
    """An inline schedule that is due, and again tomorrow."""
    minute = timezone.now().replace(second=0, microsecond=0)
    cron = f"{minute.minute} {minute.hour} * * *"
    schedule = a_schedule(backend="crontab", executor="inline", cron=cron, job=job, parameters=parameters)
    Schedule.objects.filter(pk=schedule.pk).update(cursor=minute - timedelta(seconds=1), next_due_at=minute)
    return schedule


def wake(host: Installation) -> None:
    """What cron does at the minute, in the environment of a table that is full of other people's variables."""
    done = subprocess.run([str(wrapper.path()), "due"], env=HOSTILE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def completed(schedule: Schedule) -> bool:
    return Task.objects.filter(schedule=schedule, status=Status.COMPLETED).exists()


def test_the_agent_runs_what_is_due_in_a_child(host: Installation) -> None:
    agent = an_agent(host)
    schedule = due("live.append", path=str(host.runs))
    wake(host)
    host.until(lambda: completed(schedule))
    task = Task.objects.get(schedule=schedule)
    assert task.result is not None
    assert task.result["process"] != agent.popen.pid
    assert host.ran() == [task.pk]
    agent.popen.send_signal(signal.SIGTERM)
    assert agent.wait() == 0


def test_a_stopped_agent_loses_no_wake_up(host: Installation) -> None:
    agent = an_agent(host)
    schedule = due("live.append", path=str(host.runs))
    agent.popen.send_signal(signal.SIGSTOP)
    # The full path: it returns when the job has ended.
    wake(host)
    assert completed(schedule)
    agent.popen.send_signal(signal.SIGCONT)
    assert len(host.ran()) == 1


@pytest.mark.parametrize("command", ["crontab_agent", pytest.param("cron_runner", marks=pytest.mark.drill)])
def test_an_agent_killed_while_jobs_run_loses_and_doubles_nothing(host: Installation, command: str) -> None:
    agent = an_agent(host, command)
    gate = host.folder / "gate"
    schedule = due("live.wait_at_first", path=str(host.runs), gate=str(gate))
    wake(host)
    host.until(host.ran)
    os.kill(agent.popen.pid, signal.SIGKILL)
    assert agent.wait() == -signal.SIGKILL
    # Its socket is left, and its child still runs.
    assert (host.folder / "agent" / "socket").exists()
    following = due("live.append", path=str(host.runs))
    wake(host)
    assert completed(following)
    an_agent(host, command)
    gate.touch()
    host.until(lambda: completed(schedule))
    wake(host)
    assert Task.objects.count() == 2
    assert len(host.ran()) == 2


def test_a_killed_child_is_noticed_and_its_task_tried_again(host: Installation) -> None:
    an_agent(host)
    schedule = due("live.hang_at_first", path=str(host.runs))
    Schedule.objects.update(on_lost="retry")
    wake(host)
    host.until(lambda: Task.objects.filter(status=Status.RUNNING).exists() and host.ran())
    key = Task.objects.get().process
    os.kill(int(key.split("-")[-2]), signal.SIGKILL)
    host.until(lambda: completed(schedule))
    assert len(host.ran()) == 2


def test_without_any_agent_a_wake_up_does_all_of_it(host: Installation) -> None:
    agent = an_agent(host)
    agent.kill()
    schedules = [due("live.append", path=str(host.runs)) for _ in range(3)]
    wake(host)
    assert all(map(completed, schedules))
    assert len(host.ran()) == 3


@pytest.mark.drill
def test_three_hundred_in_one_minute_all_run_once(host: Installation) -> None:
    an_agent(host)
    for _ in range(300):
        due("live.append", path=str(host.runs))
    for client in [subprocess.Popen([str(wrapper.path()), "due"], env=HOSTILE) for _ in range(100)]:
        assert client.wait(120) == 0
    host.until(lambda: Task.objects.filter(status=Status.COMPLETED).count() == 300, longest=200)
    assert len(set(host.ran())) == len(host.ran()) == 300
