"""The real cron daemon with a file in /etc/cron.d, and schedules that move in bulk while all of them fire."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from backends.crontab import wrapper
from scheduling import bulk, schedules
from scheduling.lifecycle import OPEN, Status
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.live.test_cron import borrowed_crontab, done, on_user_crontab, until_done
from tests.servers.cron import CronDaemon
from tests.servers.plugin import require

__all__ = ["borrowed_crontab", "on_user_crontab"]

pytestmark = [pytest.mark.live, pytest.mark.shares("the user's crontab"), pytest.mark.timeout(900)]

FOREIGN = b"# somebody's own file\n\n17 4 1 1 * root /bin/true\n"
# Neither root nor the one who runs the tests.
OTHER = "daemon"
EACH_MINUTE = 12
MINUTE = timedelta(minutes=1)


def user_of_lines() -> str:
    """OTHER, or root where the Python of the tests is in a folder of root's own."""
    command = ["su", "-s", "/bin/sh", OTHER, "-c", f"{sys.executable} -c pass"]
    return "root" if subprocess.run(command, capture_output=True, check=False).returncode else OTHER


@pytest.fixture
def system_table(on_postgres: Installation, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of this test in /etc/cron.d, with foreign lines; its own lines run as `user_of_lines()`."""
    require("cron")
    path = Path("/etc/cron.d") / f"tandem-test-{os.getpid()}"
    path.write_bytes(FOREIGN)
    on_postgres.folder.chmod(0o777)
    surroundings = {
        "DJANGO_SETTINGS_MODULE": "tests.live.live_settings",
        "DATABASE_URL": on_postgres.database_url,
        "TANDEM_VAR": str(on_postgres.folder),
        "TANDEM_CRONTAB": f"cron.d:{path}:{user_of_lines()}",
        "BROKER_URL": "redis://127.0.0.1:1/0",
    }
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    settings.TANDEM_CRONTAB, settings.VAR = surroundings["TANDEM_CRONTAB"], on_postgres.folder
    yield path
    path.unlink(missing_ok=True)
    path.with_name(f".{path.name}.lock").unlink(missing_ok=True)


def test_cron_runs_a_line_of_etc_cron_d_as_the_user_of_the_setting(
    system_table: Path, on_postgres: Installation
) -> None:
    """The file is exchanged while the daemon runs, and the daemon notices. A person's line in it runs as well."""
    user, who = user_of_lines(), on_postgres.folder / "who"
    foreign = FOREIGN + f"* * * * * {OTHER} id -un > {who}\n".encode()
    with CronDaemon():
        system_table.write_bytes(foreign)
        schedule = a_schedule(
            cron="* * * * *", backend="crontab", job="live.append", parameters={"path": str(on_postgres.runs)}
        )
        assert f"\n* * * * * {user} {wrapper.path()} ".encode() in system_table.read_bytes()
        until_done(schedule)
    task = done(schedule)
    assert task is not None
    assert (task.woken_by, on_postgres.ran()) == ("crontab", [task.pk])
    assert on_postgres.runs.owner() == user
    assert who.read_text() == f"{OTHER}\n"
    schedules.delete(schedule.pk, now=timezone.now())
    assert system_table.read_bytes() == foreign


@pytest.mark.drill
def test_nothing_is_lost_or_doubled_while_all_move_to_and_fro(on_user_crontab: Installation) -> None:
    """Twelve schedules fire each minute, and move in bulk just before a minute and just after it, with both daemons."""
    there = on_user_crontab
    wanted: dict[str, Any] = {
        "job": "live.append",
        "parameters": {"path": str(there.runs)},
        "overlap": "allow",
        "catch_up": "all",
    }
    for number in range(EACH_MINUTE):
        a_schedule(name=f"moves {number}", cron="* * * * *", **wanted)
    a_schedule(name="stays", cron="* * * * *", backend="crontab", **wanted)
    first = timezone.now().replace(second=0, microsecond=0) + MINUTE
    there.worker(processes=2)
    beat, agent = there.beat(), there.start("manage.py", "crontab_agent")
    with CronDaemon():
        for to, second in (("crontab", 58), ("beat", 59), ("crontab", 0), ("beat", 1), ("crontab", 57)):
            move(there, to=to, at_second=second)
        last = timezone.now().replace(second=0, microsecond=0) + MINUTE
        there.until(lambda: Task.objects.filter(due_at=last).count() == EACH_MINUTE + 1, longest=150)
        beat.popen.send_signal(signal.SIGTERM)
        assert beat.wait() == 0
    bulk.change_all(bulk.Chosen.matching(Schedule.objects.all()), now=timezone.now(), paused=True)
    there.until(lambda: not Task.objects.filter(status__in=OPEN).exists(), longest=150)
    agent.popen.send_signal(signal.SIGTERM)
    assert agent.wait() == 0
    assert_each_minute_once(there, first=first, last=last)
    call_command("verify", stdout=StringIO())


def move(there: Installation, *, to: str, at_second: int) -> None:
    """Move those that are named so, once the clock shows this second."""
    there.until(lambda: timezone.now().second == at_second, longest=70)
    found = bulk.move(Schedule.objects.filter(name__startswith="moves"), to=to, dry_run=False, now=timezone.now())
    assert [(one.outcome, one.detail) for one in found] == [("moved", "")] * EACH_MINUTE


def assert_each_minute_once(there: Installation, *, first: datetime, last: datetime) -> None:
    """Each schedule has one task for each minute from `first` to `last`, and each task ran once."""
    minutes = [first + number * MINUTE for number in range((last - first) // MINUTE + 1)]
    assert len(minutes) > 1
    for schedule in Schedule.objects.all():
        of_it = Task.objects.filter(schedule=schedule, due_at__gte=first, due_at__lte=last)
        assert list(of_it.order_by("due_at").values_list("due_at", flat=True)) == minutes
        assert set(of_it.values_list("status", flat=True)) == {Status.COMPLETED}, schedule.name
    assert sorted(there.ran()) == sorted(Task.objects.filter(status=Status.COMPLETED).values_list("pk", flat=True))
