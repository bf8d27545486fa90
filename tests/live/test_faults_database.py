"""A web server whose database is away, busy, full or read-only, or with more clients than connections."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Final

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from scheduling.lifecycle import Status
from scheduling.models import Process, Task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.live.standing import answers, web
from tests.live.visitor import a_token
from tests.servers.postgres import PostgresServer
from tests.servers.server import free_port

pytestmark = pytest.mark.live

CLIENTS: Final = 24
REQUESTS: Final = 600
# Longer than a request may take, shorter than SQLite's lock is waited for elsewhere.
_PATIENCE_SECONDS: Final = 10.0
A_TASK: Final = {"name": "one", "job": "live.append", "parameters": {"path": "/dev/null"}}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after: str | None
    body: dict[str, Any]


class Web:
    """A web server of an installation, with a client."""

    def __init__(self, there: Installation, **variables: str) -> None:
        self.port = free_port()
        self.token = a_token()
        self.process = web(there, self.port, **variables)
        there.until(lambda: answers(self.port))

    def get(self, path: str, token: str = "") -> Answer:
        return self._ask("GET", path, token or self.token)

    def post_task(self, **changes: Any) -> Answer:
        return self._ask("POST", "/api/tasks/", self.token, json.dumps(A_TASK | changes))

    def _ask(self, method: str, path: str, token: str, body: str | None = None) -> Answer:
        client = HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        try:
            client.request(method, path, body, headers)
            response = client.getresponse()
            return Answer(response.status, response.headers["Retry-After"], json.loads(response.read()))
        finally:
            client.close()

    def refuses_for_now(self, *, task: dict[str, Any] | None = None) -> None:
        """Check that REST answers 503, that the process lives and is not ready, and what its log says."""
        answer = self.post_task(**(task or {}))
        assert (answer.status, answer.retry_after) == (503, "5"), answer
        assert answer.body["code"] == "database_unavailable"
        assert self.get("/readyz").status == 503
        assert self.get("/healthz").status == 200
        said = self.process.said()
        assert "the database is not available: " in said
        assert "Traceback" not in said

    def is_well(self) -> bool:
        return self.get("/readyz").status == 200 and self.post_task().status == 201


def connections_of_web() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'web'")
        found: int = cursor.fetchone()[0]
        return found


def test_a_flood_takes_no_more_than_its_share_of_the_connections(on_postgres: Installation) -> None:
    """Each request with a wrong token looks for the token in the database."""
    there = on_postgres
    parameters = {"path": str(there.runs)}
    a_schedule(every=1, overlap="allow", catch_up="all", job="live.append", parameters=parameters)
    there.worker()
    there.beat()
    flooded = Web(there, PGAPPNAME="web", TANDEM_WEB_CONNECTIONS="5")
    most = 0
    with ThreadPoolExecutor(CLIENTS) as clients:
        asked = [clients.submit(flooded.get, "/api/tasks/", "tandem_" + "0" * 43) for _ in range(REQUESTS)]
        while not all(one.done() for one in asked):
            most = max(most, connections_of_web())
        statuses = Counter(one.result().status for one in asked)
    # On a slow machine some may find no free connection in time.
    assert {401} <= statuses.keys() <= {401, 503}
    assert 1 <= most <= 5
    now = timezone.now()
    there.until(lambda: Task.objects.filter(due_at__gt=now, status=Status.COMPLETED).exists())


def test_a_full_pool_is_told_and_left_again(on_postgres: Installation) -> None:
    there = on_postgres
    full = Web(there, PGAPPNAME="web", TANDEM_WEB_CONNECTIONS="2")
    with psycopg.connect(there.database_url) as holder, ThreadPoolExecutor(2) as clients:
        holder.execute("LOCK TABLE tandem_api_apitoken IN ACCESS EXCLUSIVE MODE")
        held = [clients.submit(full.post_task) for _ in range(2)]
        there.until(lambda: waiting_for_locks() == 2)
        full.refuses_for_now()
        holder.rollback()
        assert [one.result().status for one in held] == [201, 201]
    there.until(full.is_well)
    # The sign of life of the web process takes its turn with the requests.
    there.until(lambda: Process.objects.filter(kind="web", pulse__gt=0).exists())


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'web' AND wait_event_type = 'Lock'"
        )
        found: int = cursor.fetchone()[0]
        return found


def test_a_database_that_is_away_is_found_again(on_postgres: Installation, postgres: PostgresServer) -> None:
    there = on_postgres
    waiting = Web(there)
    there.until(waiting.is_well)
    postgres.kill()
    connection.close()
    waiting.refuses_for_now()
    postgres.start()
    there.until(waiting.is_well)


def test_a_database_that_is_read_only_is_not_ready(on_postgres: Installation) -> None:
    name = on_postgres.database_url.rpartition("/")[2]
    reading = Web(on_postgres)
    with psycopg.connect(on_postgres.database_url, autocommit=True) as other:
        # As a standby has it. New connections only: those that the pool has are ended.
        other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )
        connection.close()
        assert reading.get("/api/tasks/").status == 200
        reading.refuses_for_now()


def test_sqlite_that_is_locked_is_not_waited_for_long(on_sqlite: Installation) -> None:
    locked = Web(on_sqlite)
    on_sqlite.until(locked.is_well)
    with sqlite3.connect(on_sqlite.folder / "tandem.sqlite3", isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        locked.refuses_for_now()
        assert locked.get("/api/tasks/").status == 200
        holder.execute("ROLLBACK")
    holder.close()
    on_sqlite.until(locked.is_well)


def test_sqlite_without_room_is_not_ready(on_sqlite: Installation) -> None:
    full = Web(on_sqlite, DJANGO_SETTINGS_MODULE="tests.live.full_settings")
    page = {"parameters": {"path": "x" * 4096}}
    # The file has some free pages at first.
    assert any(full.post_task(**page).status != 201 for _ in range(1000))
    full.refuses_for_now(task=page)
    assert full.get("/api/tasks/").status == 200
    assert not Process.objects.filter(kind="probe").exists()
