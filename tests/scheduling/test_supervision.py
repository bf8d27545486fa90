"""What a supervisor such as systemd is told: sd_notify(3)."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from scheduling import processes, rounds, supervision

# Its threads never get to run after the start, as in a process that is stopped right then.
STOPS_AT_ONCE = """
import os, signal, threading
from scheduling import supervision
threading.Thread.start = lambda thread: None
supervision.start(lambda: True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("abstract", [False, True])
def test_a_supervisor_is_told_that_the_process_is_ready_and_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, abstract: bool
) -> None:
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(f"\0{name}" if abstract else name)
        supervisor.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}" if abstract else name)
        supervision.start(lambda: True)
        assert supervisor.recv(4096).splitlines() == [b"READY=1", b"WATCHDOG=1"]


def test_it_is_told_before_the_start_returns(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(0)
        told = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        ended = subprocess.run([sys.executable, "-c", STOPS_AT_ONCE], env=told, check=False, timeout=60)
        assert ended.returncode == -signal.SIGKILL
        assert b"WATCHDOG=1" in supervisor.recv(4096)


class Log(logging.Handler):
    """Counts the errors that are logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors = threading.Semaphore(0)

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.release()


@pytest.fixture
def log() -> Iterator[Log]:
    handler = Log()
    supervision.log.addHandler(handler)
    yield handler
    supervision.log.removeHandler(handler)


def test_a_supervisor_is_told_nothing_while_the_loop_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings, log: Log
) -> None:
    asked = threading.Semaphore(0)

    def stands_still(seconds: float) -> bool:
        asked.release()
        return seconds > 0.05

    monkeypatch.setattr(rounds, "stands_still", stands_still)
    monkeypatch.setattr(supervision, "NOTIFY_SECONDS", 0.01)
    # Nothing is written to the database.
    monkeypatch.setattr(processes.Pulse, "_keep_beating", lambda _: None)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    settings.VAR = tmp_path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(20)
        with processes.alive("beat"):
            assert log.errors.acquire(timeout=20)
            drain(supervisor)
            while asked.acquire(blocking=False):
                pass
            for _ in range(3):
                assert asked.acquire(timeout=20)
            assert not drain(supervisor)
            over = threading.Event()
            loop = threading.Thread(target=come_round, args=(over,))
            loop.start()
            assert b"WATCHDOG=1" in supervisor.recv(4096)
            over.set()
            loop.join()
            assert log.errors.acquire(timeout=20)
            drain(supervisor)
        # It has no loop any more, and takes its time to end.
        assert b"WATCHDOG=1" in supervisor.recv(4096)


def come_round(over: threading.Event) -> None:
    """A loop that does not hang."""
    while not over.wait(0.001):
        processes.came_round()


def drain(supervisor: socket.socket) -> int:
    """Read what has been said so far: how many messages."""
    count = 0
    while select.select([supervisor], [], [], 0)[0]:
        supervisor.recv(4096)
        count += 1
    return count
