"""What the private servers have in common: a folder, a process, readiness, a sure end."""

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
from pathlib import Path
from typing import Any, Self

from stack.parent_death import die_with_parent
from tests.servers.programs import program

_READY_SECONDS = 30.0
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
        """Where it listens, as settings take it."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments; it must stay in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it answers just now."""

    def prepare(self) -> None:  # noqa: B027 - most servers need nothing
        """What must be made in `folder` before the first start."""

    def user(self) -> pwd.struct_passwd | None:
        """Who the server runs as; None: who runs the tests."""
        return None

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServerError with its log when it ends or stays silent."""
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
        """Ask it to stop; killed when it does not. Nothing happens when it does not run."""
        if self.process is not None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            end_group(process.pid)

    @property
    def log(self) -> Path:
        """What it wrote."""
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


def free_port() -> int:
    """A loopback port that nobody uses just now."""
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
    """Kill what is left of a process group whose leader has ended, and return when it is gone."""
    try:
        while True:
            os.killpg(group, signal.SIGKILL)
            time.sleep(0.01)
    except ProcessLookupError:
        return
