"""An index of how long something took."""

from __future__ import annotations

from typing import Any, Final

from django.db import models

_POSTGRESQL: Final = (
    "CREATE INDEX {name} ON {table} (({end} - {start})) WHERE {start} IS NOT NULL AND {end} IS NOT NULL"
)


class DurationIndex(models.Index):
    """Finds the rows by the time between two of their times: from the first field to the second.

    It exists on PostgreSQL only. An index of SQLite would call a function of Django, without which no other program
    could write the table: there the same query reads all rows.
    """

    def create_sql(self, model: type[models.Model], schema_editor: Any, using: str = "", **_: Any) -> Any:
        """The statement that makes it; elsewhere one that does nothing, because Django expects one."""
        if schema_editor.connection.vendor != "postgresql":
            return f"-- {self.name} is for PostgreSQL only"
        quote = schema_editor.quote_name
        meta = model._meta  # noqa: SLF001 - Django's documented way to tables and columns
        start, end = (quote(str(getattr(meta.get_field(name), "column", ""))) for name in self.fields)
        return _POSTGRESQL.format(name=quote(self.name), table=quote(meta.db_table), start=start, end=end)
