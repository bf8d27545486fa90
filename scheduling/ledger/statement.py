"""How a move of an attempt is written: on PostgreSQL as one statement, on SQLite as a few in one transaction.

Each part of a move is written once, for both. A part that follows the UPDATE of the task reads `moved`, which is the
row as the UPDATE left it, and which is empty when nothing moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction

from scheduling.models import Task, TaskAttempt, TaskEvent
from scheduling.storable import Json


class Table:
    """A model's table in the text of a statement: `{task}` is its name, `{task.status}` the name of a column.

    Raises AttributeError for a field that the model does not have.
    """

    def __init__(self, model: type[models.Model]) -> None:
        self._meta = model._meta

    def __str__(self) -> str:
        return f'"{self._meta.db_table}"'

    def __getattr__(self, field: str) -> str:
        for each in self._meta.concrete_fields:
            if each.name == field:
                return f'"{each.column}"'
        raise AttributeError(f"{self._meta.object_name} has no field {field}")


TABLES: Final = {"task": Table(Task), "attempt": Table(TaskAttempt), "event": Table(TaskEvent)}
# The rows that the parts after the UPDATE read. On SQLite it is the task, within the same transaction.
_MOVED: Final = "WITH moved AS (SELECT * FROM {task} WHERE {task.id} = %(id)s) ".format_map(TABLES)


def written(text: str, **further: str) -> str:
    """The text of a statement, with the names of tables and columns filled in."""
    return text.format_map(TABLES | further)


def moved(update: str, parts: tuple[str, ...], values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Do the `update` of one task and, if a row moved, each of the `parts`. Returns what `update` returns.

    All of it happens, or nothing. None when no row moved. `values` are stored values (`stored`) by the names of the
    placeholders; `id` is the task's.
    """
    connection = _connection()
    if connection.vendor == "postgresql":
        with _preparing_cursor(connection) as cursor:
            cursor.execute(_as_one(update, parts), values)
            return _row(cursor)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(update, values)
        row = _row(cursor)
        for part in parts if row else ():
            cursor.execute(_MOVED + part, values)
        return row


def stored(model: type[models.Model], field: str, value: Json | object) -> Any:
    """A value as the column of the field takes it."""
    return model._meta.get_field(field).get_db_prep_save(value, _connection())  # type: ignore[union-attr]


def task_columns() -> str:
    """The columns of a task, as `task_of` takes them."""
    return ", ".join(f'"{field.column}"' for field in Task._meta.concrete_fields)


def task_of(row: tuple[Any, ...]) -> Task:
    """The task whose columns these are."""
    connection = _connection()
    names, converters = _reading(connection.vendor)
    values = list(row)
    for place, (field, convert) in converters:
        for each in convert:
            values[place] = each(values[place], field, connection)
    return Task.from_db(connection.alias, names, values)


@cache
def _reading(vendor: str) -> tuple[list[str], list[tuple[int, tuple[Any, list[Any]]]]]:
    """The names of a task's fields; and by its place, each field whose stored value has to be converted.

    Worked out once for a vendor of databases: it takes longer than to read the row.
    """
    fields = Task._meta.concrete_fields
    compiler = Task.objects.all().query.get_compiler(connection=_connection())
    columns = [field.get_col(Task._meta.db_table) for field in fields]
    found = {place: (field, convert) for place, (convert, field) in compiler.get_converters(columns).items()}
    return [field.attname for field in fields], list(found.items())


@cache
def _as_one(update: str, parts: tuple[str, ...]) -> str:
    named = "".join(f", part{number} AS ({part})" for number, part in enumerate(parts))
    # Every part is a text of this package.
    return f"WITH moved AS ({update}){named} SELECT * FROM moved"


def _connection() -> Any:
    """This thread's connection itself: `django.db.connection` looks it up anew for each of its attributes."""
    return connections[DEFAULT_DB_ALIAS]


def _preparing_cursor(connection: Any) -> Any:
    """A cursor of the ledger's connection that binds at the server: what it does often is planned once (psycopg).

    Django's own cursor puts the values into the text, which is then parsed and planned each time: half of what a claim
    costs the database. `prepare_threshold` of the connection says from which time on (settings/databases.py).
    """
    connection.ensure_connection()
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return make(connection.Database.Cursor(connection.connection))


def _row(cursor: Any) -> tuple[Any, ...] | None:
    # All rows are fetched: SQLite has done its work only then.
    rows = cursor.fetchall()
    return tuple(rows[0]) if rows else None
