"""How the crontab is changed: by one process at a time, not too often, and read back after each write."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backends.crontab import files
from backends.crontab.block import splice
from backends.crontab.targets import Target, lock_path
from scheduling.errors import BackendError


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes our block in `target` what `block()` returns at the time of the write.

    Many callers at once cause few writes: each waits for the lock, and then mostly finds that its change is done.
    `folder` holds the lock. `clock` (seconds since 1970) and `sleep` are arguments for tests.
    """

    target: Target
    folder: Path
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def bring(self, block: Callable[[], bytes]) -> bool:
        """Write our block. Returns False if the table needed no change.

        Raises BackendError if the table cannot be read or written, or if it differs from what was written.
        """
        with files.exclusive(lock_path(self.target, self.folder, "lock")):
            wanted = self._change(block)
            pause = self._pause()
            if wanted is not None and pause > 0:
                self.sleep(pause)
                # Asked again, because the schedules may have changed during the pause: this write includes that.
                wanted = self._change(block)
            if wanted is None:
                return False
            self._write(wanted)
            return True

    def _change(self, block: Callable[[], bytes]) -> bytes | None:
        """The table to write; None if the present table is right."""
        present = self.target.read()
        wanted = splice(present, block())
        return None if wanted == present else wanted

    def _write(self, wanted: bytes) -> None:
        try:
            self.target.write(wanted)
        finally:
            self._stamp().touch()
            now = self.clock()
            os.utime(self._stamp(), (now, now))
        if not self.target.same(wanted, self.target.read()):
            raise BackendError(
                f"The crontab ({self.target.describe()}) reads differently from what was written: "
                "another program may be changing it; the next sync tries again."
            )

    def _stamp(self) -> Path:
        """The file whose modification time says when a process last tried to write the table."""
        return lock_path(self.target, self.folder, "installed")

    def _pause(self) -> float:
        """Seconds to wait before the next write: at most `spacing`, even if the system's clock was changed."""
        if not self._stamp().exists():
            return 0.0
        since = self.clock() - self._stamp().stat().st_mtime
        return self.target.spacing - since if 0 <= since < self.target.spacing else 0.0
