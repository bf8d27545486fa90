"""Whether a cron daemon or a runner reads the table."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends.crontab import reader_health
from backends.crontab.targets import UserTarget


def test_a_daemon_that_lives_is_seen(tmp_path: Path) -> None:
    (tmp_path / "crond.pid").write_text(f"{os.getpid()}\n")
    found = reader_health.of_reader(
        UserTarget(), folder=tmp_path, pid_files=(tmp_path / "none", tmp_path / "crond.pid")
    )
    assert found.ok


def ended_process() -> str:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return str(process.pid)


@pytest.mark.parametrize("content", ["", "nonsense", "9" * 40, "0", "-1", None])
def test_without_a_living_daemon_it_says_what_to_do(content: str | None, tmp_path: Path) -> None:
    (tmp_path / "crond.pid").write_text(ended_process() if content is None else content)
    found = reader_health.of_reader(UserTarget(), folder=tmp_path, pid_files=(tmp_path / "crond.pid",))
    assert not found.ok
    assert "start the cron service" in found.detail
