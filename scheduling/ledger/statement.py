"""How a move of an attempt is written: on PostgreSQL as one statement, on SQLite as a few in one transaction.

Each part of a move is written once, for both. A part that follows the UPDATE of the task reads `moved`, which is the
row as the UPDATE left it, and which is empty when nothing moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction

from scheduling.ledger.tables import TASK, written
from scheduling.models import Task
from scheduling.models.partial import partial
from scheduling.prepared import preparing_cursor
from scheduling.storable import Json

_ALL: Final = tuple(field.attname for field in Task._meta.concrete_fields)
# The rows that the parts after the UPDATE read. On SQLite it is the task, within the same transaction.
_MOVED: Final = written("WITH moved AS (SELECT * FROM {task} WHERE {task.id} = %(id)s) ")


def moved(update: str, parts: tuple[str, ...], values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Do the `update` of one task and, if a row moved, each of the `parts`. Returns what `update` returns.

    All of it happens, or nothing. None when no row moved. `values` are stored values (`stored`) by the names of the
    placeholders; `id` is the task's.
    """
    # Not `django.db.connection`, which looks the thread's connection up anew for each of its attributes.
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "postgresql":
        with preparing_cursor() as cursor:
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
    return model._meta.get_field(field).get_db_prep_save(value, connections[DEFAULT_DB_ALIAS])  # type: ignore[union-attr]


def task_columns() -> str:
    """The columns of a task, as `task_of` takes them."""
    return ", ".join(TASK.columns(_ALL))


def task_of(row: tuple[Any, ...]) -> Task:
    """The task whose columns these are."""
    connection = connections[DEFAULT_DB_ALIAS]
    return Task.from_db(connection.alias, _ALL, _read(connection, _ALL, row))


def tasks_of(attributes: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[Task]:
    """The tasks of which these columns were read, the `id` among them."""
    connection = connections[DEFAULT_DB_ALIAS]
    return [partial(Task, attributes, _read(connection, attributes, row), database=connection.alias) for row in rows]


def _read(connection: Any, attributes: tuple[str, ...], row: tuple[Any, ...]) -> list[Any]:
    values = list(row)
    for place, field, convert in _converters(connection.vendor, attributes):
        for each in convert:
            values[place] = each(values[place], field, connection)
    return values


@cache
def _converters(vendor: str, attributes: tuple[str, ...]) -> list[tuple[int, Any, list[Any]]]:
    """The place of each attribute of a task whose stored value has to be converted, its field, and the converters.

    Worked out once for a vendor of databases: it takes longer than to read the row.
    """
    compiler = Task.objects.all().query.get_compiler(connection=connections[DEFAULT_DB_ALIAS])
    columns = [field.get_col(Task._meta.db_table) for field in TASK.fields(attributes)]
    found = compiler.get_converters(columns)
    return [(place, field, convert) for place, (convert, field) in found.items()]


@cache
def _as_one(update: str, parts: tuple[str, ...]) -> str:
    named = "".join(f", part{number} AS ({part})" for number, part in enumerate(parts))
    # Every part is a text of this package.
    return f"WITH moved AS ({update}){named} SELECT * FROM moved"


def _row(cursor: Any) -> tuple[Any, ...] | None:
    # All rows are fetched: SQLite has done its work only then.
    rows = cursor.fetchall()
    return tuple(rows[0]) if rows else None
