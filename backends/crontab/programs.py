"""How `crontab` is started. Only here, with argument lists, never with a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from scheduling.errors import BackendError

# crontab(1) answers within milliseconds; one that hangs must not hold the agent.
TIMEOUT_SECONDS: Final = 20
# crontab runs it with `sh -c`, which turns its exit code 0 into 1. An editor that ends with 0 would not do: Debian's
# crontab compares the times of its copy in whole seconds, and takes one that was written while the second changed for
# edited. It would install that copy, without the comments that -e leaves out.
_COPYING_EDITOR: Final = "! cat"
_EDITOR_FAILED: Final = "exited with status 1"
# Parts of the messages of crontab, the C library and the kernel, and what to do about them.
_ADVICE: Final = {
    "not allowed": "put this user into /etc/cron.allow, or take it out of /etc/cron.deny.",
    "Permission denied": "let this user run crontab (its group, its set-group-ID bit, or /etc/security/access.conf).",
    "Read-only file system": "the folder of cron's tables cannot be written: make it writable, for example with "
    "ReadWritePaths= where systemd protects it.",
    "No space left": "make room on the disk that holds /var/spool/cron and the one that holds temporary files.",
    "Disk quota exceeded": "make room on the disk that holds /var/spool/cron.",
    "too long": "move schedules to another backend or another host.",
    "can't install": "cron refuses the line that it names; a line of Tandem is between Tandem's markers.",
}


def list_table(*, whole: bool) -> bytes | None:
    """What `crontab -l` prints; None if this user has no crontab. Raises BackendError with its message.

    `whole`: Debian's crontab leaves out leading comments unless CRONTAB_NOHEADER=N (crontab.c, list_cmd). Others
    print the same either way.
    """
    done = _crontab("-l", {"CRONTAB_NOHEADER": "N"} if whole else {})
    if done.returncode == 0:
        return done.stdout
    # POSIX does not define the message, but the crontab of Debian, cronie, busybox and macOS all contain these words.
    if done.returncode == 1 and "no crontab for" in _message(done):
        return None
    raise BackendError(f"This user's crontab cannot be read: {_advised(_message(done))}")


def edited_table() -> bytes:
    """What `crontab -e` gives to an editor: the bytes as they are, without leading comments in Debian's.

    The editor is cat(1), and it "fails", so crontab installs nothing. Raises BackendError with its message.
    """
    done = _crontab("-e", {"VISUAL": _COPYING_EDITOR, "EDITOR": _COPYING_EDITOR})
    if _EDITOR_FAILED not in _message(done):
        raise BackendError(f"This user's crontab cannot be read with crontab -e: {_advised(_message(done))}")
    return done.stdout


def write_user_table(table: bytes) -> None:
    """Install `table` as this user's crontab (`crontab -`). Raises BackendError with the message of crontab."""
    try:
        # A file and not a pipe: were we killed in between, crontab would install what had come through the pipe.
        with tempfile.TemporaryFile() as file:
            file.write(table)
            file.seek(0)
            done = _crontab("-", {}, file.fileno())
    except OSError as exc:
        raise BackendError(f"No temporary file can be written in {tempfile.gettempdir()}: {exc.strerror}.") from exc
    if done.returncode != 0:
        raise BackendError(f"This user's crontab cannot be written: {_advised(_message(done))}")


def is_busybox() -> bool:
    """Whether `crontab` is busybox. Its -l prints the bytes as they are, and its -e always writes."""
    return Path(_program()).resolve().name.startswith("busybox")


def version() -> str:
    """What `crontab -V` says on both channels; empty without that program. Not every crontab knows -V: it says so."""
    found = shutil.which("crontab")
    return "" if found is None else _version_of(found)


@lru_cache(maxsize=4)
def _version_of(program: str) -> str:
    """Asked once: another cron in its place is met when this process is started again."""
    try:
        done = subprocess.run(
            [program, "-V"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _program() -> str:
    found = shutil.which("crontab")
    if found is None:
        raise BackendError("There is no crontab program on this machine: install cron, or set TANDEM_CRONTAB=none.")
    return str(Path(found).absolute())


def _crontab(
    argument: str, variables: Mapping[str, str], stdin: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[bytes]:
    program = _program()
    # LC_ALL=C: the messages must be those that we look for.
    environment = {name: value for name, value in os.environ.items() if name != "CRONTAB_NOHEADER"}
    try:
        return subprocess.run(
            [program, argument],
            stdin=stdin,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            env=environment | {"LC_ALL": "C"} | dict(variables),
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise BackendError(f"crontab {argument} failed: {exc}") from exc


def _advised(message: str) -> str:
    """The message, and what to do about it, where that is known."""
    advice = next((text for part, text in _ADVICE.items() if part in message), "")
    return f"{message.removesuffix('.')}: {advice}" if advice else message


def _message(done: subprocess.CompletedProcess[bytes]) -> str:
    text = done.stderr.decode("utf-8", "replace").strip()
    return text[:1000] or f"crontab ended with exit code {done.returncode} and without a message"
