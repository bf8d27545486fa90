"""An index that finds a part of a text."""

from __future__ import annotations

from typing import Any, Final

from django.db import models

# What `icontains` asks on PostgreSQL is UPPER(text) LIKE UPPER('%part%'). pg_trgm is a trusted extension: who owns the
# database may create it. Where it is not installed, or may not be created, the migration goes on without this index.
# With the statistics the planner knows how many rows fit, and does not sort a million for a text that all have.
_POSTGRESQL: Final = """
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX {name} ON {table} USING gin (UPPER({column}::text) gin_trgm_ops){where};
    CREATE STATISTICS {statistics} ON (UPPER({column}::text)) FROM {table};
EXCEPTION WHEN insufficient_privilege OR undefined_file OR undefined_object OR feature_not_supported THEN
    RAISE WARNING 'without the extension pg_trgm, a search in {table} reads all of its rows: %', SQLERRM;
END $$
"""


class TextIndex(models.Index):
    """Finds the rows whose one field contains a text of three characters or more, in any case: Django's `icontains`.

    It exists on PostgreSQL only, with the extension pg_trgm (https://www.postgresql.org/docs/current/pgtrgm.html).
    Elsewhere the same query reads all rows.
    """

    def create_sql(self, model: type[models.Model], schema_editor: Any, using: str = "", **_: Any) -> Any:
        """The statement that makes it; elsewhere one that does nothing, because Django expects one."""
        if schema_editor.connection.vendor != "postgresql":
            return f"-- {self.name} is for PostgreSQL only"
        quote = schema_editor.quote_name
        meta = model._meta  # noqa: SLF001 - Django's documented way to tables and columns
        column = str(getattr(meta.get_field(self.fields[0]), "column", ""))
        # The stubs leave it out. Django's own subclasses in contrib.postgres build on such methods.
        condition: str | None = self._get_condition_sql(model, schema_editor)  # type: ignore[attr-defined]  # as said
        return _POSTGRESQL.format(
            name=quote(self.name),
            statistics=quote(f"{self.name}_stats"),
            table=quote(meta.db_table),
            column=quote(column),
            where=f" WHERE {condition}" if condition else "",
        )
