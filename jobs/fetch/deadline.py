"""One deadline for everything a fetch does: looking up, connecting, TLS, and each byte of the answer."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

from jobs.errors import Cancelled
from jobs.fetch.errors import DeadlinePassed

# How often a job that waits for a server looks whether it was asked to stop.
_LOOK_EVERY: Final = 0.5


class Deadline:
    """`seconds` from now, or the moment from which `cancelled` says yes."""

    def __init__(self, seconds: float, cancelled: Callable[[], bool] = lambda: False) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._cancelled = cancelled

    def left(self) -> float:
        """Seconds left, more than 0; raises DeadlinePassed when there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def pause(self) -> float:
        """Seconds to wait before asking again: at most until somebody may have cancelled. Raises as `left`, and
        Cancelled.
        """
        left = self.left()
        if self._cancelled():
            raise Cancelled
        return min(left, _LOOK_EVERY)

    def error(self) -> DeadlinePassed:
        """The error to raise."""
        return DeadlinePassed(f"The answer was not complete within {self._seconds:g} s (parameter timeout).")


class TimedSocket(socket.socket):
    """A socket whose reads end at a deadline.

    It waits in short pauses, in each of which the task may be cancelled.

    A time-out of a plain socket counts each read anew, so a server that sends a byte now and then could go on forever.
    Shutting the connection down from a timer is no way out: http.client goes on to parse what was received by then,
    for minutes when that is a flood of `100 Continue`.
    """

    deadline: Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As socket.recv_into; raises DeadlinePassed when there is no time left to wait, and Cancelled."""
        while True:
            self.settimeout(self.deadline.pause())
            try:
                return super().recv_into(*args, **kwargs)
            except TimeoutError:
                continue

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """As socket.sendall, within the time that is left; raises DeadlinePassed when there is none."""
        self.settimeout(self.deadline.left())
        super().sendall(*args, **kwargs)


class TimedTlsSocket(ssl.SSLSocket):
    """As TimedSocket. Writes too: `sendall` of TLS is many sends, where that of a plain socket is one."""

    deadline: Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As SSLSocket.recv_into; raises DeadlinePassed when there is no time left to wait, and Cancelled."""
        while True:
            self.settimeout(self.deadline.pause())
            try:
                return super().recv_into(*args, **kwargs)
            except TimeoutError:
                continue

    def send(self, *args: Any, **kwargs: Any) -> int:
        """As SSLSocket.send; raises DeadlinePassed when there is no time left to wait."""
        self.settimeout(self.deadline.left())
        return super().send(*args, **kwargs)
