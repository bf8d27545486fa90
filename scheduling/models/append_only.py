"""A table that is only added to."""

from __future__ import annotations

from typing import Any, Final

from django.db import models

RETENTION: Final = "tandem.retention"
"""The setting of PostgreSQL that lets a transaction delete what is too old."""

# One statement for each UPDATE or DELETE, not for each row: it costs an INSERT nothing.
_POSTGRESQL: Final = """
DO $$ BEGIN
    CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN
        IF TG_OP <> 'DELETE' OR coalesce(current_setting('{setting}', true), '') <> 'on' THEN
            RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $body$;
    CREATE TRIGGER {trigger} BEFORE UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}();
END $$
"""


class AppendOnly(models.Index):
    """A trigger of PostgreSQL that refuses UPDATE, and DELETE outside of retention. Written like an index, so that a
    migration that is made anew has it too. Elsewhere only the model refuses (`AppendOnlyRows`).
    """

    def create_sql(self, model: type[models.Model], schema_editor: Any, using: str = "", **_: Any) -> Any:
        """The statement that makes it; elsewhere one that does nothing, because Django expects one."""
        if schema_editor.connection.vendor != "postgresql":
            return f"-- {self.name} is for PostgreSQL only"
        quote = schema_editor.quote_name
        table = model._meta.db_table  # noqa: SLF001 - Django's documented way to tables
        return _POSTGRESQL.format(
            function=quote(f"{self.name}_refuse"), trigger=quote(self.name), table=quote(table), setting=RETENTION
        )


class OnlyAdded(TypeError):
    """Somebody tried to change or delete a row that stays as it is."""


class AppendOnlyRows(models.QuerySet[Any]):
    """Refuses to change and to delete."""

    def update(self, **_: Any) -> int:
        raise OnlyAdded("Rows of this table are only added.")

    def bulk_update(self, *_: Any, **__: Any) -> int:
        raise OnlyAdded("Rows of this table are only added.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise OnlyAdded("Rows of this table are only added.")
