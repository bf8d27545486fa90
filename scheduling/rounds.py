"""Where a process writes each time its loop comes round, and `manage.py probe` reads it. Loads nothing of Django."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

# In TANDEM_VAR. Several processes of one kind may share it, so each has a file of its own in there.
FOLDER: Final = "rounds"
# A loop comes round each second, that of a worker every five: several rounds may be late on a busy machine.
STANDS_STILL_SECONDS: Final = 30.0


def stands_still(seconds: float, after: float = STANDS_STILL_SECONDS) -> bool:
    """Whether a loop hangs that last came round so long ago. Probe, watchdog and `doctor` ask here."""
    return seconds > after


class RoundFile:
    """The file of this process: it holds when the loop last came round, by the monotonic clock of the machine.

    The process locks it as long as it lives. So nobody takes the file of a process that was killed for a sign of life,
    whoever has its number now. A child does not inherit the lock (fcntl(2)).

    Making one says that the loop has come round once. Raises OSError where the file cannot be written.
    """

    def __init__(self, folder: str, kind: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _remove_left_over(folder)
        self._path = os.path.join(folder, f"{kind}-{os.getpid()}")
        # Nobody may see it before it is locked: it would be taken for one that was left over.
        hidden = os.path.join(folder, f".{kind}-{os.getpid()}")
        self._file = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        self.came_round()
        os.rename(hidden, self._path)

    def came_round(self) -> None:
        """Write that the loop comes round now. Raises OSError where the file cannot be written any more."""
        # As long as what it replaces.
        os.pwrite(self._file, b"%020.3f\n" % time.monotonic(), 0)

    def close(self) -> None:
        """Take the file away: the process ends as it should."""
        with suppress(FileNotFoundError):  # somebody has emptied the folder
            os.unlink(self._path)
        os.close(self._file)


class Round(NamedTuple):
    """What the file of a living process says. `seconds`: how long ago its loop came round."""

    pid: int
    seconds: float


def last_rounds(folder: str, kind: str) -> list[Round]:
    """Every living process of the kind that writes into the folder. Raises OSError where it cannot be read."""
    found = []
    for path, file in _files(folder):
        of, _, pid = os.path.basename(path).rpartition("-")
        if of == kind and not _is_left_over(file):
            found.append(Round(int(pid), time.monotonic() - float(os.pread(file, 64, 0))))
    return sorted(found)


def _remove_left_over(folder: str) -> None:
    for path, file in _files(folder):
        if _is_left_over(file):
            os.unlink(path)


def _files(folder: str) -> Iterator[tuple[str, int]]:
    """Each file with a descriptor that is open for as long as the caller looks at it."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith("."):
            continue
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # its process has ended meanwhile
        try:
            yield path, file
        finally:
            os.close(file)


def _is_left_over(file: int) -> bool:
    """Whether no process holds the lock."""
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
