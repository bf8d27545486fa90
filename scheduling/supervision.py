"""Tells the supervisor of this process that it does not hang: sd_notify(3), as systemd's watchdog wants it."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

# systemd recommends half of the time after which it acts; unit files and `dev.py up` allow a minute.
NOTIFY_SECONDS: Final = 5.0
# A supervisor takes note of the first READY=1, and of each WATCHDOG=1.
_MESSAGE: Final = b"READY=1\nWATCHDOG=1"


def start(well: Callable[[], bool]) -> None:
    """Tell $NOTIFY_SOCKET that this process is ready and does not hang: at once, and from a thread until it ends.

    Nothing is sent where there is no such socket.

    The thread asks `well` each time, and sends nothing while the answer is no. So a process whose loop hangs is
    restarted by its supervisor, as is one that hangs as a whole (stopped, or its interpreter stuck).
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
    threading.Thread(target=_keep_telling, args=(notify, where, well), name="watchdog-notify", daemon=True).start()


def _keep_telling(notify: socket.socket, where: str, well: Callable[[], bool]) -> None:
    never = threading.Event()
    hung = False
    while True:
        never.wait(NOTIFY_SECONDS)
        hangs = not well()
        if hangs and not hung:
            log.error("the loop of this process hangs: its supervisor is told nothing, and may restart it")
        if not hangs:
            _tell(notify, where)
        hung = hangs


def _tell(notify: socket.socket, where: str) -> None:
    try:
        notify.sendto(_MESSAGE, where)
    except OSError as exc:
        log.debug("the supervisor cannot be told: %s", exc.strerror)
