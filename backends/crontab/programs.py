"""The only place that starts other programs: `crontab`, and our own `fire`. Argument lists, never a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scheduling.errors import BackendError

# crontab(1) answers within milliseconds; one that hangs must not hold the agent.
TIMEOUT_SECONDS: Final = 20


def read_user_table() -> bytes:
    """This user's crontab (`crontab -l`), empty where there is none. Raises BackendError with its words."""
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout
    said = _said(done)
    # POSIX leaves the words open, but Debian's, cronie's, busybox' and macOS' crontab agree on these.
    if done.returncode == 1 and "no crontab for" in said:
        return b""
    raise BackendError(f"This user's crontab cannot be read: {said}")


def write_user_table(table: bytes) -> None:
    """Install `table` as this user's crontab (`crontab -`). Raises BackendError with what crontab said."""
    done = _crontab("-", table)
    if done.returncode != 0:
        raise BackendError(f"This user's crontab cannot be written: {_said(done)}")


def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program with our environment, in a session of its own: a Ctrl-C is for us, not for it."""
    return subprocess.Popen(list(command), stdin=subprocess.DEVNULL, start_new_session=True)


def _crontab(argument: str, table: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    found = shutil.which("crontab")
    if found is None:
        raise BackendError("There is no crontab program on this machine: install cron, or set TANDEM_CRONTAB=none.")
    # In C, so that its messages are the ones we know; without the variable that shows Debian's header.
    environment = {name: value for name, value in os.environ.items() if name != "CRONTAB_NOHEADER"} | {"LC_ALL": "C"}
    try:
        return subprocess.run(
            [str(Path(found).absolute()), argument],
            input=table,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise BackendError(f"crontab {argument} did not work: {exc}") from exc


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    text = done.stderr.decode("utf-8", "replace").strip()
    return text[:1000] or f"crontab ended with {done.returncode} and said nothing"
