"""One deadline for a whole fetch: name lookup, connecting, TLS, and each byte of the answer."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from jobs.errors import Cancelled
from jobs.fetch.errors import DeadlinePassed

# Seconds between two looks at `cancelled` while the job waits for a server.
_LOOK_EVERY: Final = 0.5


class Deadline:
    """Ends a wait `seconds` after it is made, or when `cancelled()` is true."""

    def __init__(self, seconds: float, cancelled: Callable[[], bool] = lambda: False) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._cancelled = cancelled

    def left(self) -> float:
        """Seconds left: more than 0. Raises DeadlinePassed if no time is left."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def pause(self) -> float:
        """Seconds until the next look: the time left, at most _LOOK_EVERY. Raises DeadlinePassed and Cancelled."""
        left = self.left()
        if self._cancelled():
            raise Cancelled
        return min(left, _LOOK_EVERY)

    def error(self) -> DeadlinePassed:
        """The error for a deadline that has passed. It is returned, not raised."""
        return DeadlinePassed(f"The answer was not complete within {self._seconds:g} s (parameter timeout).")


class TimedSocket(socket.socket):
    """A socket whose reads end at a deadline.

    It waits in short pauses, and looks after each one whether the task was cancelled.

    The time-out of a plain socket starts again at each read, so a server that sends a byte now and then could hold the
    job forever. A timer that shuts the connection down does not help: http.client goes on parsing what it has received,
    which takes minutes for a flood of `100 Continue`.
    """

    deadline: Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As socket.recv_into. Raises DeadlinePassed if no time is left, and Cancelled."""
        return _read(self, self.deadline, partial(super().recv_into, *args, **kwargs))

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """As socket.sendall, within the time left. Raises DeadlinePassed if no time is left."""
        self.settimeout(self.deadline.left())
        super().sendall(*args, **kwargs)


class TimedTlsSocket(ssl.SSLSocket):
    """As TimedSocket, over TLS. It bounds `send`: `sendall` of a TLS socket calls `send` many times."""

    deadline: Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As SSLSocket.recv_into. Raises DeadlinePassed if no time is left, and Cancelled."""
        return _read(self, self.deadline, partial(super().recv_into, *args, **kwargs))

    def send(self, *args: Any, **kwargs: Any) -> int:
        """As SSLSocket.send. Raises DeadlinePassed if no time is left."""
        self.settimeout(self.deadline.left())
        return super().send(*args, **kwargs)


def _read(read_from: socket.socket, deadline: Deadline, read: Callable[[], int]) -> int:
    """What `read` returns, which is called again after each pause of the deadline."""
    while True:
        read_from.settimeout(deadline.pause())
        try:
            return read()
        except TimeoutError:
            continue
