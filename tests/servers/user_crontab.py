"""The crontab of the user who runs the tests. One test at a time uses it, and its bytes are restored after."""

from __future__ import annotations

import fcntl
import getpass
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SPOOL = Path("/var/spool/cron/crontabs")


def read() -> bytes:
    """The table as `crontab -l` shows it; empty where there is none."""
    return subprocess.run(["crontab", "-l"], capture_output=True, check=False).stdout


def write(table: bytes) -> None:
    """Install a table."""
    subprocess.run(["crontab", "-"], input=table, check=True)


@contextmanager
def borrowed(table: bytes) -> Iterator[None]:
    """Inside the block the user's crontab is `table`. After it the old table is restored, and that is checked."""
    # There is one for each user, and test processes run side by side.
    with (Path(tempfile.gettempdir()) / f"tandem-test-crontab-{getpass.getuser()}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = _bytes_in_spool()
        listed = read()
        try:
            write(table)
            yield
        finally:
            if before is None:
                subprocess.run(["crontab", "-r"], check=True)
            else:
                write(listed)
        if _bytes_in_spool() != before:
            raise AssertionError("the user's crontab is not what it was before")


def _bytes_in_spool() -> bytes | None:
    path = _SPOOL / getpass.getuser()
    return path.read_bytes() if path.exists() else None
