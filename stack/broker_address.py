"""Where the broker of a running `up --broker` is, for commands beside it. settings/running_broker.py reads it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# settings/running_broker.py reads the same name.
_NAME: Final = "broker-address"


@contextmanager
def offered(var: Path, url: str) -> Iterator[None]:
    """While the block runs, a file in `var` holds `url`, for the owner alone, and is locked (flock(2)).

    The lock ends with this process, however it ends: a file without one is left over and counts for nothing.
    """
    path = var / _NAME
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, url.encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
