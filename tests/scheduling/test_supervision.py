"""What a supervisor such as systemd is told: sd_notify(3)."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from scheduling import supervision


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
