"""Real processes tell that they live, and what ran in one that died is given up at once."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone
from django_celery_beat.models import PeriodicTasks

from scheduling import probe, rounds
from scheduling.lifecycle import Status
from scheduling.models import Process, Task, TaskLogLine
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.servers.redis_like import RedisServer

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


@contextmanager
def locked(model: type[Model]) -> Iterator[Callable[[], bool]]:
    """Inside, nobody else reads or writes the table. Yields whether somebody waits for it."""

    def waited_for() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [table])
            return bool(cursor.fetchone()[0])

    table = model._meta.db_table
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
        yield waited_for


def test_retention_that_waits_for_a_lock_does_not_hold_up_what_is_due(on_postgres: Installation) -> None:
    # No worker ends the tasks.
    schedule = a_schedule(every=1, overlap="allow")
    old = a_task(schedule, status=Status.COMPLETED, finished_at=timezone.now() - timedelta(days=4000))
    with locked(TaskLogLine) as waited_for:
        beat = on_postgres.beat()
        on_postgres.until(waited_for)
        since = timezone.now()
        on_postgres.until(lambda: schedule.tasks.filter(due_at__gt=since, sends=1).exists())
        assert waited_for()
        assert Task.objects.filter(pk=old.pk).exists()
    on_postgres.until(lambda: not Task.objects.filter(pk=old.pk).exists())
    beat.popen.send_signal(signal.SIGTERM)
    assert beat.wait() == 0


def test_a_beat_whose_loop_hangs_is_told_from_one_that_ticks(on_postgres: Installation) -> None:
    on_postgres.beat()
    on_postgres.until(lambda: Process.objects.filter(kind="beat", came_round_at__isnull=False).exists())
    with locked(PeriodicTasks):
        on_postgres.until(lambda: _stood_still() > timedelta(seconds=6))
        pulse = Process.objects.get(kind="beat").pulse
        on_postgres.until(lambda: Process.objects.get(kind="beat").pulse > pulse)
        assert not is_well("beat", on_postgres.folder)
    on_postgres.until(lambda: is_well("beat", on_postgres.folder))
    on_postgres.until(lambda: _stood_still() < timedelta(seconds=4))


@pytest.mark.drill
def test_the_supervisor_of_a_beat_whose_loop_hangs_is_told_nothing(on_postgres: Installation) -> None:
    address = f"tandem-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(f"\0{address}")
        beat = on_postgres.start("manage.py", "beat", NOTIFY_SOCKET=f"@{address}")
        on_postgres.until(lambda: is_told(supervisor))
        with locked(PeriodicTasks):
            on_postgres.until(lambda: "its supervisor is told nothing" in beat.said())
            is_told(supervisor)
            # Its pulse has the same pace as what the supervisor is told.
            pulse = Process.objects.get(kind="beat").pulse
            on_postgres.until(lambda: Process.objects.get(kind="beat").pulse > pulse + 1)
            assert not is_told(supervisor)
        on_postgres.until(lambda: is_told(supervisor))


def is_told(supervisor: socket.socket) -> bool:
    """Whether it was told something since the last call."""
    told = False
    while select.select([supervisor], [], [], 0)[0]:
        told = b"WATCHDOG=1" in supervisor.recv(4096)
    return told


def is_well(kind: str, var: Path) -> bool:
    """What `manage.py probe` says, with less patience than it has."""
    return probe.answer([kind], var=str(var), still_after=5.0)[0]


def test_a_probe_tells_a_beat_that_is_stopped_from_the_other_one(on_postgres: Installation) -> None:
    folders = [on_postgres.folder / name for name in ("one", "other")]
    stopped, other = (on_postgres.start("manage.py", "beat", TANDEM_VAR=str(folder)) for folder in folders)
    on_postgres.until(lambda: all(is_well("beat", folder) for folder in folders))
    stopped.popen.send_signal(signal.SIGSTOP)
    on_postgres.until(lambda: not is_well("beat", folders[0]))
    on_postgres.until(lambda: is_well("beat", folders[1]))
    stopped.popen.send_signal(signal.SIGCONT)
    on_postgres.until(lambda: is_well("beat", folders[0]))
    other.popen.send_signal(signal.SIGTERM)
    assert other.wait() == 0
    on_postgres.until(lambda: is_well("beat", folders[0]))
    assert "No beat runs" in probe.answer(["beat"], var=str(folders[1]))[1]


@pytest.mark.drill
def test_worker_and_agent_come_round_also_while_the_broker_is_away(
    on_postgres: Installation, redis_server: RedisServer
) -> None:
    worker = on_postgres.worker()
    on_postgres.start("manage.py", "crontab_agent")
    for kind in ("worker", "agent"):
        on_postgres.until(partial(is_well, kind, on_postgres.folder))
        comes_round_twice(kind, on_postgres)
    redis_server.kill()
    on_postgres.until(lambda: "Trying again" in worker.said())
    for kind in ("worker", "agent"):
        comes_round_twice(kind, on_postgres)
    redis_server.start()
    on_postgres.until(lambda: worker.said().count("Connected to") >= 2)
    comes_round_twice("worker", on_postgres)
    # Its child goes on.
    worker.popen.send_signal(signal.SIGSTOP)
    on_postgres.until(lambda: not probe.answer(["worker"], var=str(on_postgres.folder), still_after=10.0)[0])


def comes_round_twice(kind: str, installation: Installation) -> None:
    """Wait for it. What was begun before may be the first."""
    for _ in range(2):
        before = came_round(kind, installation.folder)
        installation.until(partial(_is_later, before, kind, installation.folder))


def _is_later(before: float, kind: str, var: Path) -> bool:
    return came_round(kind, var) > before


def came_round(kind: str, var: Path) -> float:
    """When the loop of the one process of the kind last came round, by a clock of its own."""
    [path] = (var / rounds.FOLDER).glob(f"{kind}-*")
    return float(path.read_text())


def _stood_still() -> timedelta:
    row = Process.objects.get(kind="beat")
    assert row.came_round_at is not None
    return row.seen_at - row.came_round_at
