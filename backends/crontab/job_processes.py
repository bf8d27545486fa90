"""How tasks of this machine are run in child processes: a limited number at once, the others wait."""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from multiprocessing import connection as channels
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any, Final

from django.db import connections

from backends.crontab import wake_up

log = logging.getLogger(__name__)

# What runs while the process is told to end may finish within this, and is ended within as long again.
GRACE_SECONDS: Final = 10.0
# A child that has ended is noticed at once, unless it left a process of its own that holds its files.
LOOK_SECONDS: Final = 1.0

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)

# A task and its attempt.
Job = tuple[int, int]


class JobProcesses:
    """Runs each job in a child that is forked from this process, `most` at a time.

    The caller must have no threads and no open connections: a child would share them. `run` is what a child does.
    """

    def __init__(self, most: int, run: Callable[[int, int], None] = wake_up.run_task) -> None:
        self._most = most
        self._run = run
        self._waiting: deque[Job] = deque()
        self._running: dict[Job, BaseProcess] = {}
        self._context = multiprocessing.get_context("fork")

    def add(self, jobs: Iterable[Job]) -> None:
        """Have the jobs run in this order, except those that wait or run already."""
        known = {*self._waiting, *self._running}
        for job in jobs:
            if job not in known:
                known.add(job)
                self._waiting.append(job)
        self.step()

    def step(self) -> bool:
        """Start waiting jobs where children have ended. Returns whether one of these had not ended as it should."""
        died = False
        for job, process in list(self._running.items()):
            if not process.is_alive():
                died |= self._ended(job, process)
        while self._waiting and len(self._running) < self._most:
            job = self._waiting.popleft()
            try:
                self._start(job)
            except OSError:
                # For example, out of processes or memory. The task stays queued, and is found as left behind.
                log.exception("task %d could not be started", job[0])
        return died

    def _start(self, job: Job) -> None:
        """Start a child. A signal that ends this process waits until the child is known: `stop` has to end it, too."""
        process = self._context.Process(target=_in_child, args=(self._run, job), name=f"task-{job[0]}")
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            process.start()
            self._running[job] = process
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def busy(self) -> bool:
        """Whether a job waits or runs."""
        return bool(self._waiting or self._running)

    def wait(self, *others: Any) -> Sequence[object]:
        """Return when a child has ended, one of `others` can be read, or LOOK_SECONDS are over; with what is ready."""
        return channels.wait([*others, *(process.sentinel for process in self._running.values())], LOOK_SECONDS)

    def forget_waiting(self) -> None:
        """Start no more of the jobs that wait. Their tasks stay queued in the ledger."""
        self._waiting.clear()

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Start no more jobs. Wait up to `grace` seconds for the running ones, then send SIGTERM to the rest.

        One that still runs after GRACE_SECONDS more is killed.
        """
        self.forget_waiting()
        self._await_all(grace)
        for job, process in self._running.items():
            log.warning("task %d still runs; its process %d gets SIGTERM", job[0], process.pid)
            process.terminate()
        # Each of them records its interrupted attempt before it ends: that takes some time.
        self._await_all(GRACE_SECONDS)
        for job, process in self._running.items():
            log.warning("task %d does not heed SIGTERM; its process %d is killed", job[0], process.pid)
            process.kill()

    def _await_all(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for job, process in list(self._running.items()):
            process.join(max(0.0, deadline - time.monotonic()))
            if not process.is_alive():
                self._ended(job, process)

    def _ended(self, job: Job, process: BaseProcess) -> bool:
        del self._running[job]
        if process.exitcode:
            log.warning("task %d: its process %d ended with exit code %d", job[0], process.pid, process.exitcode)
        return bool(process.exitcode)


def _in_child(run: Callable[[int, int], None], job: Job) -> None:
    """Run one job, in a process that has just been forked."""
    # Its own session: Ctrl-C ends the parent, which then gives its children time.
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    connections.close_all()
    # What the parent wants done at its end is not for us; what the job's process wants is, such as a last notification.
    # multiprocessing ends its children without either.
    atexit._clear()  # noqa: SLF001 - there is no public way
    try:
        run(*job)
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 - as above


def _end(_signal: int, _frame: FrameType | None) -> None:
    # An exception, so that the running attempt is recorded before the process ends.
    sys.exit(128 + signal.SIGTERM)
