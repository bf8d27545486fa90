"""A pytest plugin: on SQLite each table counts its rows from a number of its own.

A row that a test made first would otherwise often be number 1, but not after a test that has committed rows. A test
that takes the number for granted, or takes a task's for its schedule's, fails at once and not now and then.
PostgreSQL does not go back to 1 when a test's transaction is rolled back.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

_APART = 1_000


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The databases of pytest-django, with rows that are numbered from 1,001, 2,001 and so on."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            _number_apart()


def _number_apart() -> None:
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor))
        # What the migrations have stored (content types, permissions) keeps its numbers.
        cursor.execute("DELETE FROM sqlite_sequence")
        rows = [(table, number * _APART) for number, table in enumerate(tables, 1)]
        cursor.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", rows)
