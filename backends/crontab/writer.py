"""How the crontab is changed: by one process at a time, not too often, and read back after each write.

`crontab` locks nothing, and neither -e nor - looks whether the table has changed meanwhile. So what takes long is done
before the table is read, and the table is read again just before the write: an edit of a person starts it over.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backends.crontab import files, kept_tables
from backends.crontab.block import splice
from backends.crontab.owner import Owner
from backends.crontab.targets import Target, lock_path
from scheduling.errors import BackendError

# A person edits a table once in a while. Only a program changes it five times in a row.
TRIES: Final = 5

# A lock file without it has never seen a write.
_STAMP: Final = b"Tandem locks this file, and last tried to write the crontab when the file was last changed.\n"

Edit = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Writer:
    """Changes the table of `target`. Many callers at once cause few writes: each waits for the lock, and then mostly
    finds that its change is done.

    `folder` (TANDEM_VAR) gets the tables that are replaced. `clock` (seconds since 1970) and `sleep` are arguments for
    tests.
    """

    target: Target
    folder: Path
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def bring(self, block: Callable[[], bytes], owner: Owner) -> bool:
        """Make our block what `block()` returns at the time of the write. Returns False if nothing had to change.

        Raises BackendError if the table cannot be read or written, if it differs from what was written, or if our
        block was taken out until somebody asks for it again.
        """

        def prepare() -> Edit:
            wanted = block()
            if wanted:
                self._refuse_if_uninstalled()
            return lambda table: splice(table, wanted, owner)

        return self.change(prepare) is not None

    def change(self, prepare: Callable[[], Edit]) -> str | None:
        """Write what `prepare()(table)` returns. Returns the name of the kept table, or None if nothing had to change.

        `prepare` may take long, and may be called several times; the edit that it returns is pure and quick. Raises
        BackendError as `bring` does.
        """
        with files.exclusive(self.target.lock()) as handle:
            paused = False
            for _ in range(TRIES):
                edit = prepare()
                present = self.target.read()
                wanted = edit(present)
                if wanted == present:
                    return None
                if not paused and (pause := self._pause(handle)) > 0:
                    self.sleep(pause)
                    paused = True
                    # Asked again, because the schedules may have changed during the pause: this write includes that.
                    continue
                name = kept_tables.keep(present, folder=self.folder, target=self.target.describe(), at=self.clock())
                if self.target.read() == present:
                    self._write(wanted, handle)
                    return name
        raise BackendError(
            f"The crontab ({self.target.describe()}) changes all the time, so it was not written: "
            "find out which other program writes it; the next sync tries again."
        )

    def uninstall(self, owner: Owner) -> bool:
        """Take our block out; it stays out until `allow`. Returns False if there was none. Raises BackendError."""
        note = self._uninstalled()
        with _telling(note):
            note.parent.mkdir(parents=True, exist_ok=True)
            note.touch(mode=0o600)
        return self.change(lambda: lambda table: splice(table, b"", owner)) is not None

    def allow(self) -> None:
        """Let the block be written again. Raises BackendError."""
        note = self._uninstalled()
        with _telling(note):
            note.unlink(missing_ok=True)

    def _refuse_if_uninstalled(self) -> None:
        if self._uninstalled().exists():
            raise BackendError(
                "Tandem was taken out of this crontab: `manage.py crontab install` puts it back, "
                "or move the schedules of this host to another host or backend."
            )

    def _uninstalled(self) -> Path:
        return lock_path(self.target, self.folder, "uninstalled")

    def _write(self, wanted: bytes, handle: int) -> None:
        try:
            self.target.write(wanted)
        finally:
            now = self.clock()
            os.pwrite(handle, _STAMP, 0)
            os.utime(handle, (now, now))
        if not self.target.same(wanted, self.target.read()):
            raise BackendError(
                f"The crontab ({self.target.describe()}) reads differently from what was written: "
                "another program may be changing it; the next sync tries again."
            )

    def _pause(self, handle: int) -> float:
        """Seconds to wait before the next write: at most `spacing`, even if the system's clock was changed.

        The modification time of the lock file says when a process of any installation last tried to write the table.
        """
        found = os.fstat(handle)
        since = self.clock() - found.st_mtime if found.st_size else self.target.spacing
        return self.target.spacing - since if 0 <= since < self.target.spacing else 0.0


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Raises BackendError where the block raises OSError about this file."""
    try:
        yield
    except OSError as exc:
        raise BackendError(f"{path} cannot be written: {exc.strerror}.") from exc
