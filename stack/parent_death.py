"""Processes that end with the one that started them, even when that one is killed -9."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent() -> Callable[[], None]:
    """What to run in a child between fork and exec (`preexec_fn`), so that it is killed when its parent ends.

    prctl(2), PR_SET_PDEATHSIG: the parent is the *thread* that forks, so start such children in the main one.
    Linux only; elsewhere the returned function does nothing.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    # Loaded before the fork: a child of a process with threads must not wait for the loader's lock.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            # The parent died before the request was in force: nobody would ever send the signal.
            os._exit(1)

    return arrange
