"""Interrupts a job that runs in this process: first with an exception in the job, later by ending the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

# cron, Celery and Celery's process pool do not use this signal.
SIGNAL: Final = signal.SIGUSR2


class SoftLimit(Exception):
    """The job has run for its soft time limit."""


class Stopped(BaseException):
    """The job was asked to stop, and did not stop within the grace period. A job must not catch this."""


class Interruption:
    """Raises an exception in a job that runs in the main thread. A job in another thread is never interrupted.

    It uses a signal, because a signal also ends a blocking system call. An exception set by another thread does not.
    """

    _current: Interruption | None = None

    def __init__(self) -> None:
        self.possible = threading.current_thread() is threading.main_thread()
        self._pending: BaseException | None = None

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Allow interruption inside the block only: recording the end of a job must not be interrupted."""
        if not self.possible:
            yield
            return
        # The handler is never removed: the default action for a signal that comes late would end the process.
        signal.signal(SIGNAL, _deliver)
        Interruption._current = self
        try:
            yield
        finally:
            Interruption._current = None

    def interrupt(self, exc: BaseException) -> None:
        """Raise `exc` in the job. For calls from another thread."""
        if self.possible and Interruption._current is self:
            self._pending = exc
            os.kill(os.getpid(), SIGNAL)

    def end_process(self) -> None:
        """End this process at once. For calls from another thread, which has recorded everything before."""
        if self.possible:
            os.kill(os.getpid(), signal.SIGKILL)

    def take(self) -> BaseException | None:
        """The exception to raise, or None. A second call returns None."""
        pending, self._pending = self._pending, None
        return pending


def _deliver(_signal: int, _frame: FrameType | None) -> None:
    current = Interruption._current  # noqa: SLF001 - the handler is part of the class, but has to be a function
    pending = current.take() if current is not None else None
    if pending is not None:
        raise pending
