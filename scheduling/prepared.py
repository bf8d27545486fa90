"""Statements that the database parses and plans once for a connection."""

from __future__ import annotations

from typing import Any

from django.db import connection


def preparing_cursor() -> Any:
    """A cursor of the ledger's connection that binds at the server: what it does often is planned once (psycopg).

    Django's own cursor puts the values into the text, which is then parsed and planned each time: half of what a claim
    costs the database, and most of an idle tick. `prepare_threshold` of the connection says from which time on
    (settings/databases.py). On SQLite it is Django's cursor.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    wrapped: Any = connection
    make = wrapped.make_debug_cursor if wrapped.queries_logged else wrapped.make_cursor
    return make(wrapped.Database.Cursor(wrapped.connection))
