"""Backup files: their names, writing them whole or not at all, and deleting old ones."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

_PART: Final = ".part"
# A partial file older than this belongs to a backup that was killed: no backup takes this long.
_ABANDONED_AFTER: Final = timedelta(days=2)


@contextmanager
def new_file(folder: Path, name: str) -> Iterator[Path]:
    """A path to write to. At the end of the block the file is renamed to `name`; if the block raises, it is deleted.

    Only the owner can read the file: it holds a copy of the database.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder / f"{name}{_PART}"
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        yield part
        _to_disk(part)
        part.rename(folder / name)
        _to_disk(folder)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def name(database: str, suffix: str, *, task_id: int, at: datetime) -> str:
    """`default-20261120T103000Z-42.dump`, for example. The names of a database's backups sort by time."""
    return f"{database}-{at:%Y%m%dT%H%M%SZ}-{task_id}{suffix}"


def rotate(folder: Path, database: str, suffix: str, *, keep: int, now: datetime) -> list[str]:
    """Delete all but the newest `keep` backups of the database, and partial files of killed backups. Other files stay.

    Returns the names of the backups that were deleted.
    """
    pattern = re.compile(
        rf"{re.escape(database)}-(\d{{8}}T\d{{6}}Z)-(\d+){re.escape(suffix)}({re.escape(_PART)})?", re.ASCII
    )
    found = [match for path in folder.iterdir() if (match := pattern.fullmatch(path.name))]
    whole = sorted((match for match in found if not match[3]), key=lambda match: (match[1], int(match[2])))
    old = [match[0] for match in whole[: max(0, len(whole) - keep)]]
    for gone in old:
        (folder / gone).unlink(missing_ok=True)
    limit = (now - _ABANDONED_AFTER).timestamp()
    for part in (folder / match[0] for match in found if match[3]):
        if part.stat().st_mtime < limit:
            part.unlink(missing_ok=True)
    return old


def _to_disk(path: Path) -> None:
    """Without this, a crash of the machine can leave the name of a file and lose its content (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
