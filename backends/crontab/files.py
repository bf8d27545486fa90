"""How a file is replaced as a whole, and how a lock file keeps other processes and threads out."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scheduling.errors import BackendError

# A process that holds a lock writes a table, and waits for at most a second before that. One that was stopped while it
# held a lock must not hold a request for ever.
LONGEST_WAIT_SECONDS: Final = 15.0
# Between two tries; flock(2) itself has no limit.
_PAUSE_SECONDS: Final = 0.02
# O_NOFOLLOW: the folder may be open to all users, and a link that one of them puts there is not followed.
_LOCK_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


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
def exclusive(path: Path, *, wait: float = LONGEST_WAIT_SECONDS) -> Iterator[int]:
    """Hold the lock file at `path`; gives its file descriptor. When the process ends, the lock is free.

    Raises BackendError if the file cannot be opened, if it is another user's in a folder that all can write to, and
    if the lock is still held after `wait` seconds. A lock of flock(2) belongs to the open file, and each call opens the
    file again: so threads exclude each other, too.
    """
    handle = _opened(path)
    try:
        _lock(handle, path, wait)
        yield handle
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether a process holds a lock of flock(2) on the file. False where there is no such file. Raises OSError."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _lock(handle: int, path: Path, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            if time.monotonic() >= deadline:
                raise BackendError(f"{path} is locked by another process.") from exc
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, _LOCK_FLAGS, 0o600)
    except OSError as exc:
        raise BackendError(f"{path} cannot be written: {exc.strerror}.") from exc
    if not _is_ours(handle, path.parent):
        os.close(handle)
        raise BackendError(f"{path} is another user's, so it cannot be the lock of this crontab: delete it.")
    return handle


def _is_ours(handle: int, folder: Path) -> bool:
    found = os.fstat(handle)
    anybody_writes = bool(folder.stat().st_mode & stat.S_IWOTH)
    return stat.S_ISREG(found.st_mode) and (found.st_uid == os.geteuid() or not anybody_writes)
