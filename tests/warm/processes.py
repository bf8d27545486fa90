"""Start Python processes of tests warm: see tests/warm/server.py."""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from stack.parent_death import die_with_parent
from tests.warm.server import MOST_BYTES

# All output is written at once. What is compiled was compiled when the packages were loaded.
_HARMLESS: Final = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
ROOT: Final = Path(__file__).resolve().parents[2]


class WarmProcess:
    """What tests need of `subprocess.Popen`, for a process that leads a session and a group of its own."""

    def __init__(self, args: Sequence[str], pid: int, status: int, stdin: IO[bytes]) -> None:
        self.args = args
        self.pid = pid
        self.stdin = stdin
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Its exit code (-N: ended by signal N), or None while it runs."""
        if self.returncode is None and self._has_ended(within=0):
            self._read()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit code. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not self._has_ended(within=timeout):
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
            self._read()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            # It may end meanwhile, and the server knows that a moment before we do.
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM, unless it has ended."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def _has_ended(self, *, within: float | None) -> bool:
        # Not select(2), which knows descriptors up to 1,023 only: some tests open more.
        looks = select.poll()
        looks.register(self._status, select.POLLIN)
        return bool(looks.poll(None if within is None else within * 1000))

    def _read(self) -> None:
        # Nothing: the server itself has ended, and its children with it.
        self.returncode = int(os.read(self._status, 16) or -signal.SIGKILL)
        os.close(self._status)
        with suppress(BrokenPipeError):
            self.stdin.close()


def start(arguments: Sequence[str], environment: Mapping[str, str], output: int, errors: int = -1) -> WarmProcess:
    """Start `python ARGUMENTS...` in the checkout: `-m MODULE ...`, `-c CODE ...`, or a file and its words.

    `output` and `errors` are descriptors; without `errors` all goes to `output`. Call it in the main thread: the
    process ends when this thread does. Raises ValueError for a variable that Python itself reads when it starts, and
    where Python itself stands before the arguments.
    """
    if arguments[0] == sys.executable:
        raise ValueError(f"{arguments[0]} is started in any case: leave it out.")
    for name in environment.keys() - _HARMLESS:
        if name.startswith("PYTHON") and environment[name] != os.environ.get(name):
            raise ValueError(f"{name} means nothing to a Python that has started already: use subprocess.")
    request = {"program": list(arguments), "environment": dict(environment), "folder": str(ROOT)}
    standard_in, stdin = os.pipe()
    status, tells = os.pipe()
    errors = output if errors < 0 else errors
    connection = _server().connection
    socket.send_fds(connection, [json.dumps(request).encode()], [standard_in, output, errors, tells])
    os.close(standard_in)
    os.close(tells)
    pid = json.loads(connection.recv(MOST_BYTES))
    if os.read(status, 1) != b"+":
        raise RuntimeError("A process of a test did not come to life. See the output of tests.warm.server.")
    return WarmProcess([sys.executable, *arguments], pid, status, os.fdopen(stdin, "wb"))


def run(
    arguments: Sequence[str], environment: Mapping[str, str], *, timeout: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, without input, and return what it wrote. Raises subprocess.TimeoutExpired."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = start(arguments, environment, output.fileno(), errors.fileno())
        process.stdin.close()
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
            process.wait()
        said = [os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode() for file in (output, errors)]
        return subprocess.CompletedProcess(process.args, code, *said)


class _Server:
    """The process that forks the others. It ends with this one."""

    def __init__(self) -> None:
        self.connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm.server", str(theirs.fileno())],
                cwd=ROOT,
                env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - set up before the fork; a killed test run leaves none
            )
        atexit.register(self._end)

    def _end(self) -> None:
        self.connection.close()
        self._process.wait()


_server = functools.cache(_Server)
