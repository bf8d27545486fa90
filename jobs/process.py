"""Run a program: without a shell, with bounded output, and with an end for its whole process group."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Self

from jobs.errors import Cancelled, TimedOut
from scheduling.errors import TandemError

# Time between SIGTERM and SIGKILL.
GRACE_SECONDS: Final = 5.0
# Seconds between two looks at the program, the deadline and `cancelled`.
_LOOK_EVERY: Final = 0.1
# A descendant that left the process group may keep the output open: its output is awaited no longer than this.
_DRAIN_SECONDS: Final = 0.5
# Bytes read at once: what a pipe of Linux holds.
_CHUNK: Final = 65_536
_PR_SET_PDEATHSIG: Final = 1


class NotStarted(TandemError):
    """The program cannot be started."""

    code = "not_started"


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """How a program ended. `code` is its exit code, or minus the number of the signal that ended it.

    `output` is the beginning of its stdout, `errors` the end of its stderr. `cut` is true if any of the two is missing.
    """

    code: int
    output: bytes
    errors: bytes
    cut: bool


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | Path,
    timeout: float,
    cancelled: Callable[[], bool],
    most_bytes: int,
) -> ProgramResult:
    """Run a program to its end, without input. Its process group is killed when this call ends, also by an exception.

    `timeout` is in seconds. `most_bytes` of each stream are kept. Raises NotStarted, TimedOut and Cancelled.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - set up before the fork; a killed worker leaves no program
        )
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise NotStarted(f"{Path(argv[0]).name} cannot be started: {reason}.") from exc
    with process, _Streams(process, most_bytes) as streams:
        try:
            _wait(process, streams, time.monotonic() + timeout, timeout, cancelled)
        except (Cancelled, TimedOut):
            _ask_to_end(process, streams)
            raise
        finally:
            _end_group(process)
        streams.drain()
    return ProgramResult(process.returncode, bytes(streams.output), bytes(streams.errors), streams.cut)


class _Streams:
    """Reads stdout and stderr as they are written, and keeps a bounded part of each."""

    def __init__(self, process: subprocess.Popen[bytes], most_bytes: int) -> None:
        self.output = bytearray()
        self.errors = bytearray()
        self.cut = False
        self._most = most_bytes
        self._selector = selectors.DefaultSelector()
        self._keep(process.stdout, self._head)
        self._keep(process.stderr, self._tail)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def read(self, seconds: float) -> bool:
        """Read what is there, after waiting at most `seconds` for it. True if a stream is still open."""
        if not self._selector.get_map():
            time.sleep(seconds)
            return False
        for key, _ in self._selector.select(seconds):
            chunk = os.read(key.fd, _CHUNK)
            key.data(chunk)
            if not chunk:
                self._selector.unregister(key.fileobj)
        return bool(self._selector.get_map())

    def drain(self) -> None:
        """Read what is left after the program has ended, for at most _DRAIN_SECONDS."""
        until = time.monotonic() + _DRAIN_SECONDS
        while self._selector.get_map() and time.monotonic() < until:
            self.read(_LOOK_EVERY)

    def _keep(self, stream: IO[bytes] | None, keep: Callable[[bytes], None]) -> None:
        if stream is not None:
            self._selector.register(stream, selectors.EVENT_READ, keep)

    def _head(self, chunk: bytes) -> None:
        room = self._most - len(self.output)
        self.output += chunk[:room]
        self.cut = self.cut or len(chunk) > room

    def _tail(self, chunk: bytes) -> None:
        self.errors += chunk
        self.cut = self.cut or len(self.errors) > self._most
        del self.errors[: max(0, len(self.errors) - self._most)]


def _wait(
    process: subprocess.Popen[bytes],
    streams: _Streams,
    ends: float,
    timeout: float,
    cancelled: Callable[[], bool],
) -> None:
    while not _has_ended(process):
        if time.monotonic() >= ends:
            raise TimedOut(f"It did not end within {timeout:g} s and was killed.")
        if cancelled():
            raise Cancelled("The task was asked to stop, and the program was killed.")
        streams.read(_LOOK_EVERY)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the program has ended. WNOWAIT leaves it uncollected, so no new process group can get its id yet."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _ask_to_end(process: subprocess.Popen[bytes], streams: _Streams) -> None:
    """Send SIGTERM to the group and wait up to GRACE_SECONDS. Reading goes on: a full pipe would block the program."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    until = time.monotonic() + GRACE_SECONDS
    while not _has_ended(process) and time.monotonic() < until:
        streams.read(_LOOK_EVERY)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _die_with_parent() -> Callable[[], None] | None:
    """A function for the child: the kernel then kills it when this process dies, even by SIGKILL. None outside Linux.

    The source is prctl(2), PR_SET_PDEATHSIG.
    """
    if not sys.platform.startswith("linux"):
        return None
    # Loaded before the fork: the child of a process with threads could wait forever for the loader's lock.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            # The parent died before prctl() was called: the kernel will not send the signal.
            os._exit(1)

    return arrange
