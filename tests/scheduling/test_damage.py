"""A damaged SQLite file is told from other failures."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from django.db import DatabaseError

from scheduling.damage import is_damage


def failure(path: Path, statement: str) -> DatabaseError:
    """What Django makes of the failure of `statement` on the file."""
    found = DatabaseError()
    connection = sqlite3.connect(path)
    try:
        with pytest.raises(sqlite3.Error) as caught:
            connection.execute(statement)
    finally:
        connection.close()
    found.__cause__ = caught.value
    return found


def test_a_file_of_something_else_is_damage(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"this is no database " * 1000)
    assert is_damage(failure(tmp_path / "a", "PRAGMA journal_mode=WAL"))


def test_a_database_with_a_destroyed_page_is_damage(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a")
    connection.execute("CREATE TABLE one (x)")
    connection.commit()
    connection.close()
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    assert is_damage(failure(tmp_path / "a", "SELECT * FROM one"))


def test_a_mistake_in_a_statement_is_no_damage(tmp_path: Path) -> None:
    assert not is_damage(failure(tmp_path / "a", "SELECT * FROM one"))
    assert not is_damage(DatabaseError("from another database"))
