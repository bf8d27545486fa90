"""A limit holds for real workers and beats, and a process that is killed frees its place."""

from __future__ import annotations

import os
import signal

import pytest

from scheduling.lifecycle import FINISHED, Status
from scheduling.models import Process, Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation

pytestmark = [pytest.mark.live, pytest.mark.drill]

LIMIT = 2


def test_two_run_at_once_and_all_get_their_turn(on_postgres: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers of three processes, two beats, each message twice, and a child that is killed while it runs."""
    monkeypatch.setenv("TANDEM_TASK_LIMITS", '{"key:warehouse": {"concurrency": 2}}')
    schedule = a_schedule(every=86_400, parameters={"steps": 1, "pause": 0.3}, limit_key="warehouse", overlap="allow")
    tasks = [a_task(schedule) for _ in range(12)]
    for _ in range(2):
        for task in tasks:
            on_postgres.publish(task.pk, 1)
    for name in ("one", "two"):
        on_postgres.worker(name=name, processes=3)
        on_postgres.beat()
    seen: list[int] = []

    def running() -> list[str]:
        found = list(Task.objects.filter(status=Status.RUNNING).values_list("process", flat=True))
        seen.append(len(found))
        return found

    on_postgres.until(lambda: len(running()) == LIMIT)
    victim = Process.objects.filter(key__in=running()).first()
    assert victim is not None
    os.kill(victim.pid, signal.SIGKILL)
    on_postgres.until(lambda: not running() and not Task.objects.exclude(status__in=FINISHED).exists())
    assert max(seen) == LIMIT
    statuses = list(Task.objects.filter(schedule=schedule).values_list("status", flat=True))
    assert statuses.count("COMPLETED") >= len(tasks) - 1
