"""A TCP proxy that a test can cut. It stands for the network before a server on this machine."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Self

# On close, reset instead of an orderly end (SO_LINGER: on, zero seconds).
_RESET: Final = struct.pack("ii", 1, 0)
_BYTES: Final = 65_536


class Proxy:
    """Listens on a loopback port of its own while the block runs and passes everything on to `target`."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._open: list[socket.socket] = []
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Every connection is reset, and new ones are refused."""
        self._close()
        try:
            yield
        finally:
            self._listener = self._listen(self.port)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Connections are accepted, what is sent is taken, and nothing is answered, as behind a firewall that drops.

        When it ends the connections from before are reset: nobody remembers them.
        """
        self._flows.clear()
        try:
            yield
        finally:
            self._reset()
            self._flows.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flows.set()
        self._close()

    def _close(self) -> None:
        # Wakes up the thread that accepts; closing alone would not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._reset()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        # An error here is the end of the listener.
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        # An error here is the end of the connection, and its two ends are ended together.
        with suppress(OSError):
            while data := source.recv(_BYTES):
                self._flows.wait()
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _reset(self) -> None:
        ends, self._open = self._open, []
        for end in ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)
            end.close()
