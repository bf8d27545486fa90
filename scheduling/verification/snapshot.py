"""One consistent view of the database for many queries, which others can write to meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction

from scheduling import clock


@contextmanager
def snapshot() -> Iterator[datetime]:
    """Inside the block all queries see the same state, and none may write. Yields the time of the database's clock.

    Inside a transaction of the caller, that transaction is used as it is. PostgreSQL cannot clean up what was deleted
    while the block lasts, and SQLite cannot shorten its write-ahead log.
    """
    if connection.in_atomic_block:
        yield clock.database_time()
    elif connection.vendor == "postgresql":
        with transaction.atomic(), _cursors_at_the_server():
            _run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield clock.database_time()
    else:
        yield from _on_sqlite()


@contextmanager
def _cursors_at_the_server() -> Iterator[None]:
    """Let `iterator()` read chunk by chunk also behind a pooler: inside a transaction a cursor keeps its connection."""
    before = connection.settings_dict
    # A copy: the dictionary itself belongs to the connections of all threads.
    connection.settings_dict = {**before, "DISABLE_SERVER_SIDE_CURSORS": False}
    try:
        yield
    finally:
        connection.settings_dict = before


def _on_sqlite() -> Iterator[datetime]:
    """Not `atomic`, which takes the lock of the one writer (settings/databases.py)."""
    connection.ensure_connection()
    _run("PRAGMA query_only = ON")
    _run("BEGIN DEFERRED")
    try:
        # The first read takes the snapshot.
        _run("SELECT count(*) FROM sqlite_master")
        yield clock.database_time()
    finally:
        _run("ROLLBACK")
        _run("PRAGMA query_only = OFF")


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
