"""Statements that the database parses and plans once for a connection."""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections


def preparing_cursor() -> Any:
    """A cursor of the ledger's connection that binds at the server: what it does often is planned once (psycopg).

    Django's own cursor puts the values into the text, which is then parsed and planned each time: half of what a claim
    costs the database, and most of an idle tick. `prepare_threshold` of the connection says from which time on
    (settings/databases.py). On SQLite it is Django's cursor.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return make(connection.Database.Cursor(connection.connection))
