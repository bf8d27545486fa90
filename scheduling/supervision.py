"""Tells the supervisor of this process that it does not hang: sd_notify(3), as systemd's watchdog wants it."""

from __future__ import annotations

import logging
import os
import socket
import threading
from typing import Final

log = logging.getLogger(__name__)

# systemd recommends half of the time after which it acts; unit files and `dev.py up` allow a minute.
NOTIFY_SECONDS: Final = 5.0
# A supervisor takes note of the first READY=1, and of each WATCHDOG=1.
_MESSAGE: Final = b"READY=1\nWATCHDOG=1"


def start() -> None:
    """Tell $NOTIFY_SOCKET that this process is ready and does not hang: at once, and from a thread until it ends.

    Nothing is sent where there is no such socket.

    A process that hangs as a whole (stopped, or its interpreter stuck) sends nothing, and its supervisor restarts it.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # An address that begins with @ is in Linux' abstract namespace (unix(7)).
    where = f"\0{address[1:]}" if address.startswith("@") else address
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    # A supervisor that reads nothing must not stop this process.
    notify.settimeout(0)
    # Not by the thread: a process that hangs before its thread has run would never be watched.
    _tell(notify, where)
    threading.Thread(target=_keep_telling, args=(notify, where), name="watchdog-notify", daemon=True).start()


def _keep_telling(notify: socket.socket, where: str) -> None:
    never = threading.Event()
    while True:
        never.wait(NOTIFY_SECONDS)
        _tell(notify, where)


def _tell(notify: socket.socket, where: str) -> None:
    try:
        notify.sendto(_MESSAGE, where)
    except OSError as exc:
        log.debug("the supervisor cannot be told: %s", exc.strerror)
