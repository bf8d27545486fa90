"""How the runner and the agent start `fire` processes: a limited number at once, the others wait."""

from __future__ import annotations

import logging
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

log = logging.getLogger(__name__)

# Each is a Python process of its own; the others wait their turn.
MOST_AT_ONCE: Final = 16
# What runs while the process is told to end may finish within this, and is ended within as long again.
GRACE_SECONDS: Final = 10.0


class Process(Protocol):
    """The part of `subprocess.Popen` that is used here."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...


class Children:
    """Starts `command` with further arguments. The same arguments never wait twice."""

    def __init__(self, command: Sequence[str], start: Callable[[Sequence[str]], Process]) -> None:
        self._command = list(command)
        self._start = start
        self._waiting: deque[tuple[str, ...]] = deque()
        self._running: dict[Process, tuple[str, ...]] = {}

    def add(self, *arguments: str) -> None:
        """Have the command started with these arguments, unless they wait already."""
        if arguments not in self._waiting:
            self._waiting.append(arguments)

    def step(self) -> None:
        """Forget the processes that have ended, and start waiting ones, up to MOST_AT_ONCE at once."""
        for process in [process for process in self._running if process.poll() is not None]:
            self._ended(process)
        while self._waiting and len(self._running) < MOST_AT_ONCE:
            arguments = self._waiting.popleft()
            try:
                self._running[self._start([*self._command, *arguments])] = arguments
            except OSError:
                # For example, out of processes or memory. This wake-up is lost; the next one finds what was due.
                log.exception("fire %s could not be started", " ".join(arguments))

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Start no more processes. Wait up to `grace` seconds for the running ones, then send SIGTERM to the rest."""
        self._waiting.clear()
        self._await_all(grace)
        for process in self._running:
            log.warning("fire %s still runs; it gets SIGTERM", " ".join(self._running[process]))
            process.terminate()
        # Each of them records its interrupted task as failed before it ends: that takes some time.
        self._await_all(grace)

    def _await_all(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for process in list(self._running):
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                continue
            self._ended(process)

    def _ended(self, process: Process) -> None:
        arguments = self._running.pop(process)
        code = process.poll()
        if code:
            log.warning("fire %s (process %d) ended with exit code %d", " ".join(arguments), process.pid, code)
