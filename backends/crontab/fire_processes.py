"""The `fire` processes that the runner and the agent start: a bounded number at once, the others wait."""

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
    """What is needed of a started process; `subprocess.Popen` is one."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...


class Children:
    """Starts `command` with further arguments, never the same arguments twice in the waiting line."""

    def __init__(self, command: Sequence[str], start: Callable[[Sequence[str]], Process]) -> None:
        self._command = list(command)
        self._start = start
        self._waiting: deque[tuple[str, ...]] = deque()
        self._running: dict[Process, tuple[str, ...]] = {}

    def add(self, *arguments: str) -> None:
        """Have the command run with these arguments, unless that is waiting already."""
        if arguments not in self._waiting:
            self._waiting.append(arguments)

    def step(self) -> None:
        """Take leave of those that ended, and start those for which there is room."""
        for process in [process for process in self._running if process.poll() is not None]:
            self._ended(process)
        while self._waiting and len(self._running) < MOST_AT_ONCE:
            arguments = self._waiting.popleft()
            try:
                self._running[self._start([*self._command, *arguments])] = arguments
            except OSError:
                # Out of processes or memory, say: this wake-up is lost, the next one finds what was due.
                log.exception("%s could not be started", " ".join(arguments))

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Start no more; give those that run `grace` seconds in all, then have them end."""
        self._waiting.clear()
        self._await_all(grace)
        for process in self._running:
            log.warning("%s still runs: ending it", " ".join(self._running[process]))
            process.terminate()
        # A task that is cut off is recorded as failed by its own process; that takes a moment.
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
            log.warning("%s (process %d) ended with %d", " ".join(arguments), process.pid, code)
