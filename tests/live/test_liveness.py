"""Real processes tell that they live, and what ran in one that died is given up at once."""

from __future__ import annotations

import os
import signal

import pytest

from scheduling.lifecycle import Status
from scheduling.models import Process, Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation

pytestmark = pytest.mark.live


def test_a_worker_gives_up_what_a_child_ran_that_was_killed(on_postgres: Installation) -> None:
    """No beat looks, and Celery itself tells of a lost child only after ten seconds, to nobody who asks the ledger."""
    parameters = {"path": str(on_postgres.runs)}
    task = a_task(a_schedule(every=86_400, job="live.hang_at_first", parameters=parameters))
    on_postgres.publish(task.pk, 1)
    on_postgres.worker(processes=2)
    on_postgres.until(lambda: on_postgres.ran() == [task.pk])
    running = Task.objects.get(pk=task.pk)
    child = Process.objects.get(key=running.process)
    assert child.kind == "pool"
    os.kill(child.pid, signal.SIGKILL)
    on_postgres.until(lambda: Task.objects.get(pk=task.pk).status == Status.FAILED)
    assert Task.objects.get(pk=task.pk).error == "Its process has ended."


def test_every_kind_of_process_tells_that_it_lives_and_leaves_nothing_when_it_ends(on_postgres: Installation) -> None:
    worker, beat = on_postgres.worker(processes=2, queue="reports"), on_postgres.beat()
    agent = on_postgres.start("manage.py", "cron_runner")
    kinds = ["agent", "beat", "pool", "pool", "worker"]
    on_postgres.until(lambda: sorted(Process.objects.values_list("kind", flat=True)) == kinds)
    assert Process.objects.get(kind="worker").queues == ["reports"]
    first = dict(Process.objects.values_list("kind", "pulse"))
    on_postgres.until(lambda: all(row.pulse > first[row.kind] for row in Process.objects.all()))
    for process in (worker, beat, agent):
        process.popen.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert list(Process.objects.values_list("kind", flat=True)) == []
