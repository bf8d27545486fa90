"""How the children of a worker pass the ids of tasks to its parent: through a pipe that they inherit.

A child that notified by itself would import the broker's transport, keep a connection and a thread, and publish a
message for each claim and each end. To write a few bytes into a pipe costs next to nothing.
"""

from __future__ import annotations

import os
import threading
import time
from array import array
from collections.abc import Callable, Sequence
from typing import Final

# The pause after each look into the pipe: what children write meanwhile is passed on together, 20 times a second.
PAUSE_SECONDS: Final = 0.05
# Bytes of one look: as many as a pipe of Linux holds. A multiple of an id's, and each write is whole (PIPE_BUF).
_MOST_BYTES: Final = 65_536


class ChildNotifications:
    """Made in the parent, before it forks: `tell` is for the children. A thread of the parent calls `hear`."""

    def __init__(self, hear: Callable[[Sequence[int]], None]) -> None:
        self.pid: Final = os.getpid()
        self._hear = hear
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        threading.Thread(target=self._keep_listening, name="child-notifications", daemon=True).start()

    def tell(self, task_ids: Sequence[int]) -> None:
        """Pass the ids on; returns at once. A notification is left out if the parent has not emptied a full pipe."""
        try:
            os.write(self._writing, array("q", task_ids).tobytes())
        except BlockingIOError:
            # It has thousands to read already, and every reader of the log polls it as well.
            return

    def _keep_listening(self) -> None:
        while told := os.read(self._reading, _MOST_BYTES):
            self._hear(sorted(set(array("q", told))))
            time.sleep(PAUSE_SECONDS)
