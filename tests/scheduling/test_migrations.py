"""The migrations make the tables cheaply."""

from __future__ import annotations

from django.db.migrations import AddIndex
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.models import AddConstraint, CreateModel


def test_a_first_migration_makes_indexes_and_constraints_with_their_tables() -> None:
    """Each one that is added later makes Django build its model anew, with all models around it: 20 ms of a start.

    `makemigrations` writes them apart: they go into the options of CreateModel by hand. Only a table that had to wait
    for a field, because two refer to each other, gets them later.
    """
    migrations = MigrationLoader(None).disk_migrations
    first = [key for key in migrations if key[0].startswith("tandem_") and key[1].startswith("0001")]
    for key in first:
        made = [operation.name_lower for operation in migrations[key].operations if isinstance(operation, CreateModel)]
        later = [
            operation.model_name_lower
            for operation in migrations[key].operations
            if isinstance(operation, AddIndex | AddConstraint)
        ]
        assert made
        assert set(later) <= {"workflow"}, key
    assert len(first) == 3
