"""One deadline for everything a fetch does: looking up, connecting, TLS, and each byte of the answer."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

from jobs.fetch.errors import DeadlinePassed


class Deadline:
    """`seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, more than 0; raises DeadlinePassed when there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> DeadlinePassed:
        """The error to raise."""
        return DeadlinePassed(f"The answer was not complete within {self._seconds:g} s (parameter timeout).")


class TimedSocket(socket.socket):
    """A socket whose reads end at a deadline.

    A time-out of a plain socket counts each read anew, so a server that sends a byte now and then could go on forever.
    Shutting the connection down from a timer is no way out: http.client goes on to parse what was received by then,
    for minutes when that is a flood of `100 Continue`.
    """

    deadline: Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As socket.recv_into; raises DeadlinePassed when there is no time left to wait."""
        self.settimeout(self.deadline.left())
        return super().recv_into(*args, **kwargs)


class TimedTlsSocket(ssl.SSLSocket):
    """As TimedSocket. Writes too: `sendall` of TLS is many sends, where that of a plain socket is one."""

    deadline: Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As SSLSocket.recv_into; raises DeadlinePassed when there is no time left to wait."""
        self.settimeout(self.deadline.left())
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        """As SSLSocket.send; raises DeadlinePassed when there is no time left to wait."""
        self.settimeout(self.deadline.left())
        return super().send(*args, **kwargs)
