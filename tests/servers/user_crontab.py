"""The crontab of the user who runs the tests. One test at a time uses it, and its bytes are restored after."""

from __future__ import annotations

import fcntl
import getpass
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SPOOL = Path("/var/spool/cron/crontabs")
_HEADER_LINES = 3


def read() -> bytes:
    """The table as `crontab -l` shows it; empty where there is none."""
    return subprocess.run(["crontab", "-l"], capture_output=True, check=False).stdout


def write(table: bytes) -> None:
    """Install a table."""
    subprocess.run(["crontab", "-"], input=table, check=True)


def in_spool() -> bytes | None:
    """All bytes of the table in cron's spool, with cron's header; None where there is none."""
    path = _SPOOL / getpass.getuser()
    return path.read_bytes() if path.exists() else None


def below_header() -> bytes:
    """The bytes in the spool without the header of three lines that `crontab` has just written."""
    return (in_spool() or b"").split(b"\n", _HEADER_LINES)[-1]


def put_into_spool(table: bytes | None) -> None:
    """Exchange the file in the spool, past `crontab`; only root can."""
    path = _SPOOL / getpass.getuser()
    if table is None:
        path.unlink(missing_ok=True)
        return
    handle, name = tempfile.mkstemp(dir=_SPOOL, prefix="tmp.")
    with os.fdopen(handle, "wb") as file:
        file.write(table)
    os.chown(name, os.getuid(), _SPOOL.stat().st_gid)
    Path(name).replace(path)


@contextmanager
def borrowed(table: bytes) -> Iterator[None]:
    """Inside the block the user's crontab is `table`. After it the old bytes are restored, and that is checked."""
    # There is one for each user, and test processes run side by side.
    with (Path(tempfile.gettempdir()) / f"tandem-test-crontab-{getpass.getuser()}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = in_spool()
        try:
            write(table)
            yield
        finally:
            put_into_spool(before)
        if in_spool() != before:
            raise AssertionError("the user's crontab is not what it was before")
