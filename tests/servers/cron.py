"""The machine's real cron: Debian's daemon. Only one can run."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from tests.servers.server import ServerError, needed

PID_FILE = Path("/run/crond.pid")
# A folder that only root can write to, so that no other user can put files there.
_GATE = Path("/run/tandem-test-cron.gate")
_USERS = Path("/run/tandem-test-cron.users")
_READY_SECONDS = 10.0


class CronDaemon:
    """Cron runs inside the block. One that already runs is used and left running; ours ends with its last user.

    cron(8) lets only one daemon live on a machine, and test processes run side by side: they share it. `_USERS` is
    locked shared by each of them, and `_GATE` holds the id of the daemon that tests started.
    """

    def __init__(self) -> None:
        self._place: IO[str] | None = None

    @property
    def pid(self) -> int | None:
        """The daemon's process id, None when none runs."""
        try:
            pid = int(PID_FILE.read_text())
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        # proc(5): "pid (name) state ..."; a zombie has ended and only waits to be collected.
        name, _, rest = stat.partition("(")[2].rpartition(")")
        return pid if name == "cron" and rest.split()[0] != "Z" else None

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            raise ServerError("cron runs as root only.")
        with _locked(_GATE) as gate:
            if self.pid is None:
                _rewrite(gate, str(self._start()))
            self._place = _USERS.open("a")
            fcntl.flock(self._place, fcntl.LOCK_SH)
        return self

    def __exit__(self, *_: object) -> None:
        with _locked(_GATE) as gate:
            if self._place is not None:
                self._place.close()
            gate.seek(0)
            if gate.read() == str(self.pid) and _nobody_uses_it():
                self._stop()
                _rewrite(gate, "")

    def _start(self) -> int:
        # Without -f it goes into the background by itself: others may still use it when this process is gone.
        started = subprocess.run([needed("cron")], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        deadline = time.monotonic() + _READY_SECONDS
        while (pid := self.pid) is None:
            if started.returncode or time.monotonic() > deadline:
                raise ServerError(f"cron did not start: {started.stderr.decode(errors='replace')}")
            time.sleep(0.02)
        return pid

    def _stop(self) -> None:
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
        while self.pid is not None:
            time.sleep(0.02)


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _rewrite(file: IO[str], text: str) -> None:
    file.truncate(0)
    file.write(text)
    file.flush()


def _nobody_uses_it() -> bool:
    with _USERS.open("a") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
