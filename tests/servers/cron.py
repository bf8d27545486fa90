"""The machine's real cron: Debian's daemon. Only one can run."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    locked shared by each of them, and `_GATE` holds the id of the last daemon that tests started. A test run that is
    cut off leaves it running: the next run uses it and ends it.
    """

    def __init__(self) -> None:
        self._place: IO[str] | None = None

    @property
    def pid(self) -> int | None:
        """The daemon's process id, None when none runs."""
        return next((pid for pid, session in holders() if pid == session), None)

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            raise ServerError("cron runs as root only.")
        with _locked(_GATE) as gate:
            if self.pid is None:
                gate.seek(0)
                end_children_of(gate.read())
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


def holders() -> Iterator[tuple[int, int]]:
    """Each process that has cron's lock open, with its session: the daemon leads one, its children belong to it.

    The daemon writes its id into the file, but the file may be empty or old: who holds the lock is what counts.
    """
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # proc(5): "pid (name) state parent group session ..."; a zombie has ended and only waits to be collected.
            name, _, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
            state, _, _, session, *_ = rest.split()
            # By the file itself, not by its name: a cron in a container has a file of that name, too.
            if name == "cron" and state != "Z" and any(map(PID_FILE.samefile, (process / "fd").iterdir())):
                yield int(process.name), int(session)
        except (FileNotFoundError, ProcessLookupError):
            continue


def end_children_of(daemon: str) -> None:
    """End what a daemon that is gone still runs: a child has its lock, and no other daemon could start."""
    while children := [pid for pid, session in holders() if str(session) == daemon]:
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
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
