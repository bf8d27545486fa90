"""How are many schedules that have changed stored? In one statement, with values of its own for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import connection

from scheduling.ledger.given_rows import as_parameter, given_rows
from scheduling.ledger.tables import SCHEDULE, written
from scheduling.models import Schedule

# What no change of a schedule sets: dispatch and upkeep do.
_NOT_OURS: Final = {"created_at", "woken_at", "overdue_at"}


def store(changed: Sequence[Schedule]) -> None:
    """Store these schedules, whose rows the caller has locked."""
    fields = Schedule._meta.concrete_fields  # noqa: SLF001 - Django's public name for it begins so
    names = [field.attname for field in fields if field.attname not in _NOT_OURS]
    changes = ", ".join(f"{column} = changed.{column}" for column in SCHEDULE.columns(names[1:]))
    statement = f"WITH {given_rows('changed', SCHEDULE, names)} " + written(  # noqa: S608 - the names come from the model
        "UPDATE {schedule} SET {changes} FROM changed WHERE {schedule}.{schedule.id} = changed.{schedule.id}",
        changes=changes,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [as_parameter([_written(getattr(one, name)) for name in names] for one in changed)])


def _written(value: Any) -> Any:
    """A value as the database reads it from JSON: an interval of PostgreSQL, microseconds on SQLite."""
    if not isinstance(value, timedelta):
        return value
    if connection.vendor == "postgresql":
        return f"{value.total_seconds()} seconds"
    return round(value.total_seconds() * 1_000_000)
