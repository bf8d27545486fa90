"""A damaged SQLite file: how it is recognised, and what to do about it."""

from __future__ import annotations

import sqlite3
from typing import Final

# https://www.sqlite.org/rescode.html; the extended codes hold the primary one in their lowest byte.
_CODES: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_damage(exc: BaseException) -> bool:
    """Whether Django's `exc` comes from a file that is damaged, or no SQLite database at all."""
    code: int = getattr(exc.__cause__, "sqlite_errorcode", 0)
    return code & 0xFF in _CODES


def advice(file: str) -> str:
    """What a person can do about the damaged `file`."""
    return f"Put a backup in the place of {file}, or move it away: `manage.py migrate` then makes an empty one."
