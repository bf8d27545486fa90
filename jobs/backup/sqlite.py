"""A backup of a SQLite database: its online backup API (https://www.sqlite.org/backup.html), then a check."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from jobs.backup.errors import BackupFailed

# Pages (of mostly 4 KB) between two looks whether the job is to stop.
_PAGES_PER_STEP: Final = 1000
# How long a writer may hold the database before the backup gives up.
_BUSY_SECONDS: Final = 30


def back_up(source: Path, target: Path, *, step: Callable[[int, int], None]) -> None:
    """Copy the database file `source` into the new file `target`, as a consistent snapshot, and check the copy.

    Other processes can write meanwhile. `step(pages done, pages in total)` is called after each step, and stops the
    backup by raising. Raises BackupFailed.
    """
    if not source.is_file():
        raise BackupFailed(f"There is no database file {source.name}.")

    def progress(_status: int, remaining: int, total: int) -> None:
        step(total - remaining, total)

    try:
        with closing(_opened(source, "rw")) as live, closing(_opened(target, "rwc")) as copy:
            # Within one read transaction: without it, each write by another process starts the copy from the beginning.
            live.execute("BEGIN")
            live.execute("SELECT count(*) FROM sqlite_master").fetchone()
            live.backup(copy, pages=_PAGES_PER_STEP, progress=progress)
            live.rollback()
            # The copy is one file, without a -wal file beside it.
            copy.execute("PRAGMA journal_mode=DELETE").fetchone()
        check(target)
    except sqlite3.Error as exc:
        raise BackupFailed(f"SQLite: {exc}") from exc


def check(path: Path) -> None:
    """Read a whole database file and compare its tables with their indexes. Raises BackupFailed."""
    try:
        with closing(_opened(path, "ro")) as copy:
            found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as exc:
        raise BackupFailed(f"The copy cannot be read: {exc}") from exc
    if found != "ok":
        raise BackupFailed(f"The copy is damaged: {found}")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
