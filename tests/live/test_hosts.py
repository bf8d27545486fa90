"""Hosts whose cron does not run, and hosts that are gone: real agents and workers decide and run what is due there."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from scheduling.lifecycle import Status
from scheduling.models import Host, Schedule, Task
from scheduling.verification.examine import examine
from scheduling.verification.mismatch import Scope
from tests.conftest import a_schedule
from tests.live.installation import Installation, Process, suspend

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

# A look of an agent each 15 s, on top of what the policy says; and a busy machine.
LONGEST_WAIT_SECONDS = 150.0
SCHEDULES = 10


def an_agent(installation: Installation, host: str) -> Process:
    """The agent of a host whose cron never runs: nobody reads the private file that it writes."""
    folder = installation.folder / host
    folder.mkdir()
    surroundings = {
        "DJANGO_SETTINGS_MODULE": "tests.live.host_settings",
        "TANDEM_HOST": host,
        "TANDEM_VAR": str(folder),
        "TANDEM_CRONTAB": f"file:{folder / 'crontab'}",
    }
    agent = installation.start("manage.py", "crontab_agent", **surroundings)
    installation.until(lambda: Host.objects.filter(name=host).exists())
    return agent


def missed_yearly(installation: Installation, host: str, **wanted: object) -> Schedule:
    """A yearly schedule whose minute passed a minute ago. Its job writes the id of its task to a file."""
    due_at = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=1)
    return a_schedule(
        now=due_at - timedelta(minutes=1),
        cron=f"{due_at.minute} {due_at.hour} {due_at.day} {due_at.month} *",
        backend="crontab",
        executor="inline",
        host=host,
        job="live.append",
        parameters={"path": str(installation.runs)},
        **wanted,
    )


def completed() -> int:
    return Task.objects.filter(status=Status.COMPLETED).count()


def test_a_yearly_wake_up_that_cron_lost_is_decided_by_the_agent(on_postgres: Installation) -> None:
    an_agent(on_postgres, "far")
    schedule = missed_yearly(on_postgres, "far")
    due_at = schedule.next_due_at
    assert due_at is not None
    on_postgres.until(lambda: completed() == 1, longest=LONGEST_WAIT_SECONDS)
    task = Task.objects.get()
    assert (task.woken_by, task.host, task.due_at) == ("upkeep", "far", due_at)
    assert task.created_at - due_at >= timedelta(seconds=90)
    assert on_postgres.ran() == [task.pk]
    schedule.refresh_from_db()
    assert schedule.overdue_at == task.created_at
    assert list(examine(Scope(now=timezone.now()))) == []


@pytest.mark.drill
@pytest.mark.parametrize("policy", ["worker", "any_host", "wait"])
def test_what_a_lost_host_had_to_run_runs_once_also_when_it_comes_back_in_the_middle(
    on_postgres: Installation, policy: str
) -> None:
    far, _ = an_agent(on_postgres, "far"), an_agent(on_postgres, "near")
    if policy == "worker":
        on_postgres.worker()
    suspend(far)
    for _ in range(SCHEDULES):
        missed_yearly(on_postgres, "far", on_host_lost=policy)
    on_postgres.until(lambda: Task.objects.count() == SCHEDULES, longest=LONGEST_WAIT_SECONDS)
    if policy == "wait":
        on_postgres.until(lambda: not Task.objects.filter(expires=None).exists(), longest=LONGEST_WAIT_SECONDS)
    else:
        on_postgres.until(lambda: Task.objects.exclude(host="far").exists(), longest=LONGEST_WAIT_SECONDS)
    os.killpg(far.popen.pid, signal.SIGCONT)
    on_postgres.until(lambda: completed() == SCHEDULES, longest=LONGEST_WAIT_SECONDS)
    back = timezone.now()
    on_postgres.until(lambda: Host.objects.get(name="far").heartbeat_at > back, longest=LONGEST_WAIT_SECONDS)
    assert sorted(on_postgres.ran()) == sorted(Task.objects.values_list("pk", flat=True))
    workers = {"worker": "worker", "any_host": "inline", "wait": "inline"}
    assert set(Task.objects.values_list("executor", flat=True)) == {workers[policy]}
    assert list(examine(Scope(now=timezone.now()))) == []
