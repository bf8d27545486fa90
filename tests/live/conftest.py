"""Servers are started once per test process; each test gets a new installation on them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from pytest_django.plugin import DjangoDbBlocker

import tests.live.jobs  # noqa: F401 - schedules that name these jobs are checked here, too
from tests.live.broker_faults import Broker, broker_of
from tests.live.installation import Installation, ledger_at
from tests.live.once import made_once
from tests.live.standing import Standing
from tests.live.standing import standing as standing_on
from tests.servers.plugin import require
from tests.servers.postgres import PostgresServer
from tests.servers.redis_like import RedisServer, ValkeyServer
from tests.warm import processes as warm

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """PostgreSQL whose database `tandem` has all tables and no rows: the template of those that tests use."""
    with PostgresServer(made_once(tmp_path_factory, "postgres", _migrated_postgres)) as server:
        yield server


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables and no rows."""
    return made_once(tmp_path_factory, "template.sqlite3", lambda path: _migrate(f"sqlite:///{path}"))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer("--appendonly", "yes") as server:
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    # A short path, for sockets may live in it.
    path = Path(tempfile.mkdtemp(prefix="tandem-live-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def on_postgres(
    postgres: PostgresServer, redis_server: RedisServer, folder: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[Installation]:
    """An installation on PostgreSQL and Redis."""
    yield from _installed(copied(postgres), redis_server, folder, django_db_blocker)


@pytest.fixture
def on_sqlite(
    sqlite: Path, redis_server: RedisServer, folder: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[Installation]:
    """An installation on SQLite and Redis."""
    shutil.copy(sqlite, folder / "tandem.sqlite3")
    yield from _installed(f"sqlite:///{folder / 'tandem.sqlite3'}", redis_server, folder, django_db_blocker)


@pytest.fixture
def on_valkey(sqlite: Path, folder: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Installation]:
    """An installation on SQLite and the embedded broker."""
    shutil.copy(sqlite, folder / "tandem.sqlite3")
    url = f"sqlite:///{folder / 'tandem.sqlite3'}"
    with ValkeyServer() as broker, django_db_blocker.unblock(), ledger_at(url):
        made = Installation(url, broker.url, folder)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module", params=["redis", pytest.param("rabbitmq", marks=pytest.mark.drill)])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker for one module, whose tests may kill it."""
    if request.param == "rabbitmq":
        require("RabbitMQ")
    made = broker_of(request.param)
    with made.server:
        yield made
        # Nobody needs what it would save at an orderly end.
        made.server.kill()


@pytest.fixture
def on_broker(
    postgres: PostgresServer, broker: Broker, folder: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[Installation]:
    """An installation on PostgreSQL and on each broker, without messages."""
    broker.empty()
    url = copied(postgres)
    made = Installation(url, broker.url, folder)
    with django_db_blocker.unblock(), ledger_at(url):
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def standing(postgres: PostgresServer, broker: Broker, django_db_blocker: DjangoDbBlocker) -> Iterator[Standing]:
    """An installation on PostgreSQL and on each broker, for all the tests of a module."""
    url, folder = copied(postgres), Path(tempfile.mkdtemp(prefix="tandem-live-"))
    with django_db_blocker.unblock(), ledger_at(url), standing_on(url, broker, folder) as made:
        yield made
    shutil.rmtree(folder)


@pytest.fixture(params=["on_postgres", "on_sqlite"])
def installation(request: pytest.FixtureRequest) -> Installation:
    """An installation on PostgreSQL, then one on SQLite."""
    found: Installation = request.getfixturevalue(request.param)
    return found


def copied(postgres: PostgresServer) -> str:
    """The address of a new database with all tables."""
    server, _, _ = postgres.url.rpartition("/")
    name = f"live_{next(_numbers)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE tandem")
    return f"{server}/{name}"


def _installed(
    database_url: str, broker: RedisServer, folder: Path, blocker: DjangoDbBlocker
) -> Iterator[Installation]:
    made = Installation(database_url, broker.url, folder)
    made.empty_broker()
    with blocker.unblock(), ledger_at(database_url):
        try:
            yield made
        finally:
            made.close()


def _migrated_postgres(folder: Path) -> None:
    with PostgresServer() as server:
        _migrate(server.url)
        server.stop()
        server.data.rename(folder)


def _migrate(database_url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "tests.live.live_settings"}
    done = warm.run(["manage.py", "migrate", "--verbosity", "0"], environment)
    assert done.returncode == 0, done.stderr
