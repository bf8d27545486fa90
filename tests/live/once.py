"""What every process of a test run needs and is the same for all: the first one makes it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(temporary: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The path at which `make` has made a file or folder. The other processes of this run wait for it and get the same.

    Nobody may change what is there.
    """
    base = temporary.getbasetemp()
    # Each process of pytest-xdist has a folder of its own in the one of the run.
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    path, unfinished = folder / name, folder / f"{name}.unfinished"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make(unfinished)
            unfinished.rename(path)
    return path
