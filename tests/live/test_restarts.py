"""Servers that restart while a beat and a worker run."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.servers.postgres import PostgresServer
from tests.servers.redis_like import RedisServer

pytestmark = pytest.mark.live


def completed_since(moment: datetime) -> Callable[[], bool]:
    return lambda: Task.objects.filter(status=Status.COMPLETED, due_at__gt=moment).exists()


def running(installation: Installation) -> None:
    """A beat and a worker that have run a task."""
    a_schedule(every=1, parameters={"steps": 1}, overlap="allow")
    processes = [installation.worker(), installation.beat()]
    installation.until(completed_since(timezone.now()))
    assert all(process.popen.poll() is None for process in processes)


def test_beat_and_worker_survive_a_restart_of_postgresql(on_postgres: Installation, postgres: PostgresServer) -> None:
    running(on_postgres)
    postgres.stop()
    postgres.start()
    connection.close()
    on_postgres.until(completed_since(timezone.now()))


def test_beat_and_worker_survive_a_crash_of_the_broker(on_postgres: Installation, redis_server: RedisServer) -> None:
    running(on_postgres)
    redis_server.kill()
    redis_server.start()
    on_postgres.until(completed_since(timezone.now()))


def test_beat_and_worker_survive_a_broker_that_hangs(on_postgres: Installation, redis_server: RedisServer) -> None:
    running(on_postgres)
    # Due once a second: beat waits for the broker with it, too.
    every = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.create(name="theirs", task="theirs.task", interval=every)
    process = redis_server.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        gone = timezone.now()
        on_postgres.until(lambda: Task.objects.filter(due_at__gt=gone, status=Status.QUEUED, sends=0).count() > 3)
    finally:
        process.send_signal(signal.SIGCONT)
    on_postgres.until(completed_since(timezone.now()))


def test_occurrences_become_tasks_while_the_broker_is_away(
    on_postgres: Installation, redis_server: RedisServer
) -> None:
    running(on_postgres)
    redis_server.kill()
    gone = timezone.now()
    on_postgres.until(lambda: Task.objects.filter(due_at__gt=gone, status=Status.QUEUED, sends=0).exists())
    waiting = Task.objects.filter(due_at__gt=gone, status=Status.QUEUED, sends=0).first()
    redis_server.start()
    assert waiting is not None
    on_postgres.until(lambda: Task.objects.filter(pk=waiting.pk, status=Status.COMPLETED).exists())
