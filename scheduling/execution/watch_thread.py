"""One thread of a process looks after all jobs that run in it, about once a second each."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

log = logging.getLogger(__name__)

# A job learns within this many seconds that it is to stop. Shorter attempts cost no look at all.
LOOK_EVERY: Final = 1.0


class _Job:
    """What is looked after. The lock is held while a look is under way."""

    def __init__(self, look: Callable[[], None]) -> None:
        self.look = look
        self.due = time.monotonic() + LOOK_EVERY
        self.looked = False
        self.over = False
        self.lock = threading.Lock()


class _WatchThread:
    """The jobs of one process, and the thread, which starts with the first of them and stays."""

    def __init__(self) -> None:
        self._jobs: dict[int, _Job] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._sooner = threading.Event()
        self._next = 0.0

    def start(self) -> None:
        """Start the thread, if it does not run."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_looking, name="looks", daemon=True)
                self._thread.start()

    def add(self, job: _Job) -> None:
        self._jobs[id(job)] = job
        if self._thread is None:
            self.start()
        elif job.due < self._next:
            self._sooner.set()

    def remove(self, job: _Job) -> None:
        with job.lock:
            job.over = True
        del self._jobs[id(job)]
        if job.looked:
            # The thread need not keep a connection for it until its next look.
            self._sooner.set()

    def _keep_looking(self) -> None:
        while True:
            self._look(time.monotonic())
            self._sooner.wait(max(self._next - time.monotonic(), 0.0))
            self._sooner.clear()

    def _look(self, now: float) -> None:
        """Look after each job that is due, and work out when the next one is."""
        # A job that begins meanwhile is due later than this, or says so.
        self._next = now + LOOK_EVERY
        for job in list(self._jobs.values()):
            if job.due <= now:
                _look_after(job)
        jobs = list(self._jobs.values())
        self._next = min([self._next, *(job.due for job in jobs)])
        if not any(job.looked for job in jobs):
            connection.close()


@contextmanager
def looked_after(look: Callable[[], None]) -> Iterator[None]:
    """Inside the block a thread calls `look` after LOOK_EVERY seconds, and again and again. After it no call goes on.

    What `look` raises is logged, and the next look follows.
    """
    job, looks = _Job(look), _present
    looks.add(job)
    try:
        yield
    finally:
        looks.remove(job)


def start() -> None:
    """Start the thread of this process now, so that no job has to."""
    _present.start()


def _look_after(job: _Job) -> None:
    with job.lock:
        if job.over:
            return
        job.looked, job.due = True, time.monotonic() + LOOK_EVERY
        try:
            job.look()
        except Exception:
            # One job's trouble must not keep the thread from the others, nor from the limits of this one.
            log.exception("a look after a running job failed")


def _begin() -> None:
    global _present  # noqa: PLW0603 - one for each process
    _present = _WatchThread()


_present: _WatchThread
_begin()
# A thread does not live on in a forked process, and what its parent runs is not looked after there.
os.register_at_fork(after_in_child=_begin)
