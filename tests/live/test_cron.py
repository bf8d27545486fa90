"""The real cron daemon and a real user crontab, whose bytes are restored afterwards."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django import Settings

from backends.crontab import wrapper
from scheduling import drift, schedules
from scheduling.backend import backend
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.servers import user_crontab
from tests.servers.cron import CronDaemon
from tests.servers.plugin import require

pytestmark = [pytest.mark.live, pytest.mark.shares("the user's crontab"), pytest.mark.timeout(180)]

# A minute until cron's next look, and time for what it starts.
LONGEST_WAIT_SECONDS = 100.0
FOREIGN = (
    b'# somebody\'s own table\tkeep\n\nMAILTO=""\nFOO = bar baz\n'
    b"1-31\t4  1 * *\t/bin/true # tabs,  blanks\n@monthly /bin/true %not%ours\n"
)


@pytest.fixture
def borrowed_crontab() -> Iterator[None]:
    """The user's crontab, with foreign lines in it."""
    require("cron")
    with user_crontab.borrowed(FOREIGN):
        yield


@pytest.fixture
def on_user_crontab(
    on_postgres: Installation, borrowed_crontab: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    """An installation with the user's crontab. Commands of cron get their environment from the wrapper only."""
    surroundings = {
        "DJANGO_SETTINGS_MODULE": "tests.live.live_settings",
        "DATABASE_URL": on_postgres.database_url,
        "TANDEM_VAR": str(on_postgres.folder),
        "TANDEM_CRONTAB": "user",
    }
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BROKER_URL", "redis://127.0.0.1:1/0")  # cron's side must not need a broker
    settings.TANDEM_CRONTAB = "user"
    settings.VAR = on_postgres.folder
    return on_postgres


def done(schedule: Schedule) -> Task | None:
    """The schedule's first completed task."""
    return Task.objects.filter(schedule=schedule, status=Status.COMPLETED).first()


def until_done(*scheduled: Schedule) -> None:
    """Wait for a completed task of each."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while not all(done(schedule) for schedule in scheduled):
        assert time.monotonic() < deadline, list(Task.objects.values("status", "error", "reason"))
        time.sleep(0.2)


def test_a_schedule_on_each_backend_fires_and_lands_in_one_ledger(on_user_crontab: Installation) -> None:
    on_cron = a_schedule(name="on cron; rm -rf / %", cron="* * * * *", backend="crontab", parameters={"steps": 2})
    on_beat = a_schedule(name="on Beat", every=1, parameters={"steps": 2})
    assert on_cron.sync_state == "in_sync"
    table = user_crontab.read()
    assert table.startswith(FOREIGN)
    assert table.count(b" due\n") == 1
    assert f"\n* * * * * {wrapper.path()} due\n".encode() in table

    on_user_crontab.worker()
    on_user_crontab.beat()
    with CronDaemon():
        until_done(on_cron, on_beat)

    task = done(on_cron)
    assert task is not None
    assert task.due_at is not None
    assert task.started_at is not None
    assert task.due_at.second == 0
    assert task.due_at <= task.started_at
    assert (task.woken_by, task.executor) == ("crontab", "inline")
    assert task.result == {"message": "Data processed successfully"}
    assert f"inline on {django_settings.TANDEM_HOST}, process " in task.attempts.get().worker
    other = done(on_beat)
    assert other is not None
    assert (other.woken_by, other.executor) == ("beat", "worker")

    assert not drift.find(backend("crontab"))
    schedules.move(on_cron.pk, to="beat", now=timezone.now())
    assert user_crontab.read() == FOREIGN


def test_the_agent_brings_a_hosts_crontab_up_to_date(on_user_crontab: Installation) -> None:
    schedule = a_schedule(cron="30 4 * * *", backend="crontab")
    user_crontab.write(FOREIGN)
    assert drift.find(backend("crontab"))
    agent = subprocess.run(
        [*django_settings.TANDEM_CRON_COMMAND, "crontab_agent", "--once"],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert agent.returncode == 0, agent.stderr
    assert user_crontab.read().startswith(FOREIGN)
    assert f"\n30 4 * * * {wrapper.path()} due\n".encode() in user_crontab.read()
    assert f": {schedule.pk} ".encode() in user_crontab.read()
