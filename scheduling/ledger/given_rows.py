"""Rows that one statement reads like a table: one parameter of JSON for all of them, however many there are.

A parameter for each value would be thousands of them, which SQLite refuses and which cost the client most of its time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from django.db import connection

from scheduling.ledger.tables import Table


def given_rows(name: str, table: Table, attributes: Iterable[str]) -> str:
    """A part of a WITH clause: a table `name` with the columns of these attributes, in their types.

    It takes one parameter of the statement, which `as_parameter` makes.
    """
    fields = table.fields(attributes)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    if connection.vendor == "sqlite":
        values = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(len(fields)))
        return f"{name} ({columns}) AS (SELECT {values} FROM json_each(%s))"
    values = ", ".join(f"(value->>{at})::{field.db_type(connection)}" for at, field in enumerate(fields))
    return f"{name} ({columns}) AS (SELECT {values} FROM jsonb_array_elements(%s::jsonb))"


def as_parameter(rows: Iterable[Sequence[object]]) -> str:
    """The rows as the parameter of `given_rows`: each has a value for each attribute, in their order.

    Times must be aware; they are written as the database stores them.
    """
    adapt = connection.ops.adapt_datetimefield_value
    return json.dumps([list(row) for row in rows], default=lambda time: str(adapt(time)))
