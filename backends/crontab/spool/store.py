"""The folder `spool` in TANDEM_VAR: which occurrences were begun on this host, and by whom.

`lock` is held for each change, and for no query to the database. `plan.json` is what to do while that is away.
`runs/42-20261121T100000Z` is an occurrence that was begun without the database; the process that runs it holds a lock
of flock(2) on it, which ends with the process, however that ends. `begun/42` is the last occurrence of the schedule
that was begun here, with the database or without: it stays when the record is told and gone.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from django.conf import settings

from backends.crontab import files
from backends.crontab.spool import record
from scheduling.spooled_run import SpooledRun

# A schedule of each minute fills them in more than a day. Beyond them nothing more is begun: what is written is kept.
MOST_RUNS: Final = 2_000
# As above, in bytes: results and log lines of jobs.
MOST_BYTES: Final = 100_000_000
# Records that contradict the ledger are kept for a person to read; beyond this the oldest go.
MOST_CONFLICTS: Final = 100

# Stands for what cannot be read: as long as that is so, nothing of the schedule is begun without the database.
_UNKNOWN: Final = datetime.max.replace(tzinfo=UTC)


class Full(OSError):
    """The spool of this host holds as much as it may: nothing more is run until the database has been told."""


class RunFile:
    """The record of one run, which this process holds."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._writing = threading.Lock()

    def append(self, line: bytes, *, sync: bool = False) -> None:
        """Add a line; with `sync`, it is on the disk when this returns. From any thread. Raises OSError."""
        with self._writing:
            self._file.write(line)
            self._file.flush()
            if sync:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the occurrence: the run is over."""
        self._file.close()


class Spool:
    """The spool in `folder`, which exists only once something is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = folder / "plan.json"
        self.wakes = folder / "wakes.json"
        self._runs = folder / "runs"
        self._begun = folder / "begun"
        self._conflicts = folder / "conflicts"

    def make(self) -> None:
        """Make the folder, for its owner alone, unless it is there. Raises OSError."""
        _make(self.folder)

    def lock(self) -> AbstractContextManager[int]:
        """Keep every other process and thread out. Raises BackendError, and OSError if the folder cannot be made."""
        self.make()
        return files.exclusive(self.folder / "lock")

    def begin(self, schedule_id: int, due_at: datetime, first: bytes) -> RunFile | None:
        """Begin an occurrence without the database: nobody else begins it any more. None if somebody has.

        Its record, with the line `first`, is on the disk when this returns. Raises OSError if it cannot be written,
        and Full. The caller holds the lock.
        """
        last = self.last_begun(schedule_id)
        if last is not None and due_at <= last:
            return None
        self._check_room()
        _make(self._runs)
        path = self._runs / record.name_of(schedule_id, due_at)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        file = RunFile(os.fdopen(handle, "ab"))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            file.append(first, sync=True)
            _sync_folder(self._runs)
            self._note(schedule_id, due_at)
        except BaseException:
            path.unlink()
            # A full disk is told at the close again.
            with suppress(OSError):
                file.close()
            raise
        return file

    def last_begun(self, schedule_id: int) -> datetime | None:
        """The last occurrence of a schedule that was begun on this host, as far as is written down here."""
        found = [due_at for _, one, due_at in self._named() if one == schedule_id]
        with suppress(FileNotFoundError):
            found.append(_read_time(self._begun / str(schedule_id)))
        return max(found, default=None)

    def begin_with_database(self, schedule_id: int, due_at: datetime) -> bool:
        """Note that an occurrence begins with the database. False if it was begun without it, and is not yet told.

        Raises OSError if it cannot be noted. The caller holds the lock.
        """
        if (self._runs / record.name_of(schedule_id, due_at)).exists():
            return False
        self._note(schedule_id, due_at)
        return True

    def _note(self, schedule_id: int, due_at: datetime) -> None:
        _make(self._begun)
        path = self._begun / str(schedule_id)
        with suppress(FileNotFoundError):
            if due_at <= _read_time(path) < _UNKNOWN:
                return
        new = not path.exists()
        # In its place, for a disk that is full has no room for another file.
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(handle, _shown(due_at), 0)
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            _sync_folder(self._begun)

    def is_busy(self, schedule_id: int) -> bool:
        """Whether a process of this host runs an occurrence of the schedule without the database just now."""
        return any(files.is_held(path) for path, one, _ in self._named() if one == schedule_id)

    def ended(self) -> Iterator[SpooledRun]:
        """The runs that have ended and are to be told, the oldest occurrence first. One is in memory at a time."""
        with self.lock():
            # While we hold this lock, no process has made a record that it does not hold yet.
            found = sorted(self._named(), key=lambda each: each[2])
            paths = [path for path, _, _ in found if not files.is_held(path)]
        for path in paths:
            yield record.read(path.name, path.read_bytes())

    def has_something(self) -> bool:
        """Whether there is anything to tell, now or when a run has ended. Costs a look at two names."""
        return self.wakes.exists() or bool(self._named())

    def told(self, run: SpooledRun) -> None:
        """Forget a run that the database has. Raises OSError."""
        self._path(run).unlink(missing_ok=True)

    @contextmanager
    def telling(self) -> Iterator[bool]:
        """Inside the block no other process tells. Yields False, without waiting, where another one does."""
        with (self.folder / "telling").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def keep_conflict(self, run: SpooledRun) -> None:
        """Put a record aside that contradicts the ledger. Raises OSError."""
        _make(self._conflicts)
        path = self._path(run)
        path.replace(self._conflicts / path.name)
        kept = sorted(self._conflicts.iterdir(), key=lambda one: one.stat().st_mtime)
        for old in kept[:-MOST_CONFLICTS]:
            old.unlink(missing_ok=True)

    def _path(self, run: SpooledRun) -> Path:
        return self._runs / record.name_of(run.schedule_id, run.due_at)

    def _named(self) -> list[tuple[Path, int, datetime]]:
        paths = self._runs.iterdir() if self._runs.is_dir() else ()
        return [(path, *found) for path in paths if (found := record.occurrence_of(path.name))]

    def _check_room(self) -> None:
        paths = [path for path, _, _ in self._named()]
        if len(paths) >= MOST_RUNS:
            raise Full(f"{len(paths):,} runs without the database are not told yet, and no more are kept.")
        size = sum(path.stat().st_size for path in paths if path.exists())
        if size >= MOST_BYTES:
            raise Full(f"{size:,} bytes of runs without the database are not told yet, and no more are kept.")


def here() -> Spool:
    """The spool of this host."""
    return Spool(Path(settings.VAR) / "spool")


def _read_time(path: Path) -> datetime:
    """The time in a file; _UNKNOWN where that cannot be read."""
    text = path.read_bytes()
    try:
        found = datetime.fromisoformat(text.decode("ascii"))
    except ValueError:
        return _UNKNOWN
    return found if _shown(found) == text else _UNKNOWN


def _shown(at: datetime) -> bytes:
    return at.astimezone(UTC).isoformat(timespec="seconds").encode("ascii")


def _make(folder: Path) -> None:
    """Make a folder for its owner alone, unless it is there. It is on the disk when this returns."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: fsync(2) of a file does not."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
