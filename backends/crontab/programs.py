"""How other programs are started: `crontab` and our own `fire`. Only here, with argument lists, never with a shell."""

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
    """This user's crontab (`crontab -l`); empty if there is none. Raises BackendError with the message of crontab."""
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout
    message = _message(done)
    # POSIX does not define the message, but the crontab of Debian, cronie, busybox and macOS all contain these words.
    if done.returncode == 1 and "no crontab for" in message:
        return b""
    raise BackendError(f"This user's crontab cannot be read: {message}")


def write_user_table(table: bytes) -> None:
    """Install `table` as this user's crontab (`crontab -`). Raises BackendError with the message of crontab."""
    done = _crontab("-", table)
    if done.returncode != 0:
        raise BackendError(f"This user's crontab cannot be written: {_message(done)}")


def version() -> str:
    """What `crontab -V` says on both channels; empty without that program. Not every crontab knows -V: it says so."""
    found = shutil.which("crontab")
    if found is None:
        return ""
    try:
        done = subprocess.run(
            [found, "-V"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program with our environment. It gets its own session, so that Ctrl-C ends us, but not the program."""
    return subprocess.Popen(list(command), stdin=subprocess.DEVNULL, start_new_session=True)


def _crontab(argument: str, table: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    found = shutil.which("crontab")
    if found is None:
        raise BackendError("There is no crontab program on this machine: install cron, or set TANDEM_CRONTAB=none.")
    # LC_ALL=C: the messages must be those that we look for. CRONTAB_NOHEADER can make Debian's crontab show its header.
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
        raise BackendError(f"crontab {argument} failed: {exc}") from exc


def _message(done: subprocess.CompletedProcess[bytes]) -> str:
    text = done.stderr.decode("utf-8", "replace").strip()
    return text[:1000] or f"crontab ended with exit code {done.returncode} and without a message"
