"""Where a process says that it does not hang: the socket of sd_notify(3), as systemd offers it to its services."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Final

VARIABLE: Final = "NOTIFY_SOCKET"
_LONGEST_MESSAGE: Final = 4096


class NotifySocket:
    """A datagram socket in the file system, for one process. Use it as a context."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self._socket.bind(str(path))

    def close(self) -> None:
        """Take it away."""
        self._socket.close()
        self.path.unlink(missing_ok=True)

    async def until_silent(self, *, seconds: float) -> None:
        """Returns when nothing has been said for so long, by a process that has said something before."""
        loop = asyncio.get_running_loop()
        await loop.sock_recv(self._socket, _LONGEST_MESSAGE)
        while True:
            try:
                async with asyncio.timeout(seconds):
                    await loop.sock_recv(self._socket, _LONGEST_MESSAGE)
            except TimeoutError:
                return
