"""The databases of the drill, and what may happen to each."""

from __future__ import annotations

import os
import signal
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from tests.servers.postgres import PostgresServer

Fault = Callable[[], AbstractContextManager[None]]


class Database(ABC):
    """A database; as a context manager it is there inside the block."""

    url: str

    @abstractmethod
    def faults(self) -> dict[str, Fault]:
        """By name, what may happen to it. At the end of the block it works again."""


class Sqlite(Database):
    """A file, which a writer may hold on to."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "tandem.sqlite3"
        self.url = f"sqlite:///{self._path}"

    def faults(self) -> dict[str, Fault]:
        return {"database locked": self._locked}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()


class Postgres(Database):
    """A server of its own."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.url = server.url

    def faults(self) -> dict[str, Fault]:
        return {
            "database killed": lambda: self._away(self._server.kill),
            "database restarted": lambda: self._away(self._server.stop),
            "database frozen": self._frozen,
        }

    @contextmanager
    def _away(self, end: Callable[[], None]) -> Iterator[None]:
        end()
        try:
            yield
        finally:
            self._server.start()

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        """Each connection has a process with a group of its own, so the signal goes to each of them."""
        process = self._server.process
        assert process is not None
        stopped = [process.pid, *children(process.pid)]
        try:
            for pid in stopped:
                send(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in stopped:
                send(pid, signal.SIGCONT)


def children(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        found = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        # It has ended meanwhile.
        return []
    return found + [below for child in found for below in children(child)]


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal, unless the process has ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
