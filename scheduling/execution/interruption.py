"""Interrupting a job that runs in this process: first by an exception it can answer, at last by ending the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

# Neither cron, Celery nor its process pool uses it.
SIGNAL: Final = signal.SIGUSR2


class SoftLimit(Exception):
    """The job has run for its soft time limit."""


class Stopped(BaseException):
    """The job was asked to stop, and did not within the grace period. Not for jobs to catch."""


class Interruption:
    """Raises an exception in the main thread while a job runs there; in other threads a job is never interrupted.

    A signal is used because it also ends a blocking system call, which an exception set from a thread does not.
    """

    _current: Interruption | None = None

    def __init__(self) -> None:
        self.possible = threading.current_thread() is threading.main_thread()
        self._pending: BaseException | None = None

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """While the body runs it may be interrupted, and at no other time: recording its end must not be."""
        if not self.possible:
            yield
            return
        # The handler stays for good: a signal that comes a moment late must not meet the default, which ends us.
        signal.signal(SIGNAL, _deliver)
        Interruption._current = self
        try:
            yield
        finally:
            Interruption._current = None

    def interrupt(self, exc: BaseException) -> None:
        """Have `exc` raised in the job, from another thread."""
        if self.possible and Interruption._current is self:
            self._pending = exc
            os.kill(os.getpid(), SIGNAL)

    def end_process(self) -> None:
        """End this process at once, from another thread; what is to be recorded was recorded before."""
        if self.possible:
            os.kill(os.getpid(), signal.SIGKILL)

    def take(self) -> BaseException | None:
        """What is to be raised, once."""
        pending, self._pending = self._pending, None
        return pending


def _deliver(_signal: int, _frame: FrameType | None) -> None:
    current = Interruption._current  # noqa: SLF001 - the handler is part of the class, but has to be a function
    pending = current.take() if current is not None else None
    if pending is not None:
        raise pending
