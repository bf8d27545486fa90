"""What a supervisor such as systemd is told: sd_notify(3)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scheduling import supervision

# Its threads never get to run after the start, as in a process that is stopped right then.
STOPS_AT_ONCE = """
import os, signal, threading
from scheduling import supervision
threading.Thread.start = lambda thread: None
supervision.start()
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
        supervision.start()
        assert supervisor.recv(4096).splitlines() == [b"READY=1", b"WATCHDOG=1"]


def test_it_is_told_before_the_start_returns(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(0)
        told = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        ended = subprocess.run([sys.executable, "-c", STOPS_AT_ONCE], env=told, check=False, timeout=60)
        assert ended.returncode == -signal.SIGKILL
        assert b"WATCHDOG=1" in supervisor.recv(4096)
