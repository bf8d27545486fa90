"""The base class of private servers: a folder, a process, waiting until it is ready, and its end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from stack.parent_death import die_with_parent
from tests.servers.programs import program

_READY_SECONDS = 180.0
_STOP_SECONDS = 10.0
_ATTEMPTS = 3


class ServerError(Exception):
    """A server that a test needs does not start."""


class Server(ABC):
    """A private server in its own folder. As a context manager it runs inside the block and leaves nothing behind.

    `stop`, `kill` and `start` may also be called inside: the server comes back at the same address with its data.
    """

    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.folder = Path("/")
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address of the server, as settings name it."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments; it must stay in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server answers."""

    def prepare(self) -> None:  # noqa: B027 - most servers need nothing
        """Make what the server needs in `folder` before its first start."""

    def user(self) -> pwd.struct_passwd | None:
        """The user the server runs as; None: the user who runs the tests."""
        return None

    def start(self) -> None:
        """Start the server and wait until it answers. Raises ServerError with its log if it ends or does not answer."""
        user = self.user()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - set up before the fork; a killed test run leaves none
                **identity(user),
            )
        try:
            self._wait_until_ready(self.process)
        except ServerError:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop the server, and kill it if it does not stop. Does nothing if it is not running."""
        if self.process is not None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.kill()

    def kill(self) -> None:
        """Kill the server, as a crash does."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            end_group(process.pid)

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / "server.log"

    def __enter__(self) -> Self:
        # A free port may be taken by somebody else before the server has it: then another one is tried.
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._set_up()
            except ServerError:
                continue
        return self._set_up()

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder)

    def _set_up(self) -> Self:
        # A short path: unix sockets live in it.
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-"))
        self.port = free_port()
        try:
            if (user := self.user()) is not None:
                os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.prepare()
            self.start()
        except BaseException:
            self.kill()
            shutil.rmtree(self.folder)
            raise
        return self

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(f"{self.command()[0]} did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.02)


def needed(name: str) -> str:
    """The path of a server program. Raises ServerError when it is not installed."""
    found = program(name)
    if found is None:
        raise ServerError(f"{name} is not installed.")
    return str(found)


def until_true(condition: Callable[[], bool], what: str) -> None:
    """Return once `condition` holds. Raises ServerError with `what` where that takes longer than any server needs."""
    deadline = time.monotonic() + _READY_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise ServerError(f"Several servers did not become one: {what}.")
        time.sleep(0.05)


def free_port() -> int:
    """A free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """The arguments of Popen that drop to `user`."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def end_group(group: int) -> None:
    """Kill what is left of a process group whose leader has ended, and return when nothing of it runs."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
        while _runs(group):
            time.sleep(0.01)


def _runs(group: int) -> bool:
    """Whether a process of the group still has a thread that runs.

    One that has ended stays in the list of processes until its parent asks for its exit code. For an orphan that is
    the machine's first process, which may take seconds.
    """
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # proc_pid_stat(5): behind the name in brackets, which may hold anything.
            fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
            state, of_group, threads = fields[0], int(fields[2]), int(fields[17])
            if of_group == group and (state not in "ZX" or threads > 1):
                return True
    return False
