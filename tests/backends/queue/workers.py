"""Real Celery workers for tests: processes of their own, on the broker of the test."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.server import end_group
from tests.warm import processes as warm

_LONGEST_SECONDS = 60.0


class Worker:
    """A running worker; `log` is what it has written so far."""

    def __init__(self, process: warm.WarmProcess, path: Path) -> None:
        self.process = process
        self._path = path

    @property
    def log(self) -> str:
        return self._path.read_text(errors="replace")


@contextmanager
def worker(folder: Path, **variables: str) -> Iterator[Worker]:
    """A worker with one process and these environment variables, once it is ready."""
    path = folder / "worker.log"
    arguments = ["worker", "-n", f"{folder.name}@%h", "--concurrency", "1", "--without-mingle", "--without-gossip"]
    with path.open("wb") as log:
        command = ["-m", "celery", "-A", "settings.celery", *arguments]
        process = warm.start(command, {**os.environ, **variables}, log.fileno())
    running = Worker(process, path)
    try:
        until(lambda: " ready." in running.log, "the worker to be ready", running)
        yield running
    finally:
        process.kill()
        process.wait()
        end_group(process.pid)


def until(condition: Callable[[], object], what: str, running: Worker | None = None) -> None:
    """Return once the condition holds. If it never does, fail with the worker's log."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what}\n{running.log if running else ''}"
        time.sleep(0.05)
