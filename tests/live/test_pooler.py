"""A whole installation behind PgBouncer in transaction mode, which gives each transaction another connection."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg
import pytest
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.live.broker_faults import broker_of
from tests.live.conftest import copied
from tests.live.installation import Installation, ledger_at
from tests.live.standing import Standing, standing, verified
from tests.live.watching import Web, messages_until
from tests.servers.pgbouncer import PgBouncer
from tests.servers.plugin import require
from tests.servers.postgres import PostgresServer

pytestmark = [pytest.mark.live, pytest.mark.drill]

# At the database, for web, worker and beat, which keep some twenty connections to the pooler.
CONNECTIONS: Final = 4


@pytest.fixture(scope="module")
def pooler(postgres: PostgresServer) -> Iterator[PgBouncer]:
    """PgBouncer before a new database, whose own address the processes of these tests have as well."""
    require("PgBouncer")
    url = copied(postgres)
    with psycopg.connect(url, autocommit=True) as session:
        # What a session is told once (Django: UTC) has to hold for each of its transactions.
        session.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET TimeZone = 'Australia/Lord_Howe'")
    with PgBouncer(url, connections=CONNECTIONS) as running, pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_DIRECT_URL", url)
        yield running


@pytest.fixture(scope="module")
def pooled(pooler: PgBouncer, django_db_blocker: DjangoDbBlocker) -> Iterator[Standing]:
    broker = broker_of("redis")
    with (
        tempfile.TemporaryDirectory(prefix="tandem-live-") as folder,
        broker.server,
        django_db_blocker.unblock(),
        ledger_at(pooler.url),
        standing(pooler.url, broker, Path(folder)) as made,
    ):
        yield made


def test_what_is_due_and_what_is_asked_for_runs_once(
    pooled: Standing, pooler: PgBouncer, record_property: Callable[[str, object], None]
) -> None:
    before = Task.objects.filter(status=Status.COMPLETED).count()
    with pooled.visited():
        pooled.installation.until(lambda: Task.objects.filter(status=Status.COMPLETED).count() >= before + 60)
    pooled.recovers(timezone.now())
    verified(pooled.installation)
    for process in (pooled.worker, pooled.beat, pooled.web):
        assert process.popen.poll() is None
        assert "Error" not in process.said(), process.said()
    kept = [row for row in pooler.shown("SERVERS") if row[1] == "tandem"]
    clients = [row for row in pooler.shown("CLIENTS") if row[1] == "tandem"]
    record_property("connections to the pooler, and to the database", (len(clients), len(kept)))
    assert len(kept) <= CONNECTIONS < len(clients)


def test_a_task_is_watched_over_a_websocket_until_it_is_done(pooled: Standing) -> None:
    web = Web(pooled.installation)
    soon = (timezone.now() + timedelta(seconds=3)).isoformat()
    asked = web.post("/api/tasks/", {"name": "watched", "scheduled_time": soon, **pooled.appending()})
    with web.watch(f"/ws/tasks/{asked['id']}/") as client:
        received = messages_until(client, "COMPLETED")
    events = [one["event"] for one in received]
    assert len(events) > 1
    assert events == list(range(events[0], events[0] + len(events)))


@pytest.mark.parametrize("command", ["migrate", "tzdata", "review"])
def test_commands_work_through_it(pooled: Standing, command: str) -> None:
    done = pooled.installation.start("manage.py", command)
    assert done.wait() == 0, done.said()


def test_a_new_database_is_migrated_through_it(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as session:
        session.execute("CREATE DATABASE born_behind_a_pooler")
    address = f"{postgres.url.rpartition('/')[0]}/born_behind_a_pooler"
    with PgBouncer(address) as own, tempfile.TemporaryDirectory(prefix="tandem-live-") as folder:
        made = Installation(own.url, "embedded:", Path(folder))
        try:
            assert made.start("manage.py", "migrate").wait() == 0
            verified(made)
        finally:
            made.close()


def test_a_backup_goes_past_the_pooler_and_leaves_its_sessions_alone(pooled: Standing) -> None:
    task = Web(pooled.installation).post("/api/tasks/", {"name": "backup", "job": "database.backup"})
    pooled.installation.until(lambda: Task.objects.filter(pk=task["id"], status=Status.COMPLETED).exists())
    pooled.runs_smoothly()
    verified(pooled.installation)
