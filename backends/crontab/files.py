"""How a file is replaced as a whole, and how a lock file keeps other processes and threads out."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from scheduling.errors import BackendError


def replace(path: Path, content: bytes, *, mode: int) -> None:
    """Replace the file by `content` in one step: readers see the old bytes or the new ones. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def exclusive(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock file at `path`.

    Raises BackendError if the file cannot be opened, and, without `wait`, if the lock is held already. A lock of
    flock(2) belongs to the open file, and each call opens the file again: so threads exclude each other, too.
    """
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as exc:
            raise BackendError(f"{path} is locked by another process.") from exc
        yield


def _opened(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError as exc:
        raise BackendError(f"{path} cannot be opened: {exc.strerror}.") from exc
