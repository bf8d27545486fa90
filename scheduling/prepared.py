"""Statements that are made once by Django, and parsed and planned once by the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

Value = TypeVar("Value")


def preparing_cursor() -> Any:
    """A cursor of the ledger's connection that binds at the server: what it does often is planned once (psycopg).

    Django's own cursor puts the values into the text, which is then parsed and planned each time: half of what a claim
    costs the database, and most of an idle tick. `prepare_threshold` of the connection says from which time on
    (settings/databases.py). On SQLite it is Django's cursor. Django's log of queries counts what it does, without the
    text: psycopg keeps that for cursors that bind at the client.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return make(connection.Database.Cursor(connection.connection))


class PreparedQuery(Generic[Value]):
    """A `values_list` that each request asks for, with another value each time.

    Django takes several times as long to make the text of a statement as the database takes to answer it.
    `make(stand_in)` returns the query with the stand-in where the value is to be. Nothing else in it may be equal to
    the stand-in, and the database must store such values as they are: whole numbers and texts.
    """

    def __init__(self, make: Callable[[Value], QuerySet[Any, Any]], *, stand_in: Value) -> None:
        self._make, self._stand_in = make, stand_in
        # By the kind of database: tests have two of them in one process.
        self._made: dict[str, tuple[str, tuple[Any, ...], list[tuple[int, list[Any], Any]]]] = {}

    def rows(self, value: Value) -> list[list[Any]]:
        """The rows, with the values that Django's fields give."""
        connection: Any = connections[DEFAULT_DB_ALIAS]
        if connection.vendor not in self._made:
            self._made[connection.vendor] = self._statement(connection)
        text, parameters, converters = self._made[connection.vendor]
        with preparing_cursor() as cursor:
            cursor.execute(text, [value if one == self._stand_in else one for one in parameters])
            rows = [list(row) for row in cursor.fetchall()]
        for place, convert, expression in converters:
            for row in rows:
                for each in convert:
                    row[place] = each(row[place], expression, connection)
        return rows

    def _statement(self, connection: Any) -> tuple[str, tuple[Any, ...], list[tuple[int, list[Any], Any]]]:
        compiler = self._make(self._stand_in).query.get_compiler(connection=connection)
        text, parameters = compiler.as_sql()
        found = compiler.get_converters([expression for expression, _, _ in compiler.select])
        return text, tuple(parameters), [(place, *converter) for place, converter in found.items()]
