"""The crons that Debian has, as they really are: what their programs say, and how much they read."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from pathlib import Path

import pytest

from backends.crontab import flavours, programs
from backends.crontab.flavours import BUSYBOX, DEBIAN
from stack.parent_death import die_with_parent
from tests.servers.plugin import require
from tests.servers.programs import program

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]


def test_debians_program_is_recognized() -> None:
    require("cron")
    assert flavours.recognize(programs.version()) is DEBIAN


def test_busybox_is_recognized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("busybox")
    (tmp_path / "crontab").symlink_to(str(program_of_busybox()))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert flavours.recognize(programs.version()) is BUSYBOX


def test_busybox_reads_so_many_entries_of_a_user_and_no_more(tmp_path: Path) -> None:
    require("busybox")
    if os.geteuid() != 0:
        pytest.skip("busybox runs the tables of others as root only: run the tests as root")
    spool, log = tmp_path / "spool", tmp_path / "log"
    spool.mkdir()
    users = ("nobody", "root")
    for user in users:
        assert pwd.getpwnam(user)
        (spool / user).write_text("# a comment\n" + "".join(f"0 0 1 1 * {user}-{n}\n" for n in range(400)))
    command = [str(program_of_busybox()), "crond", "-f", "-c", str(spool), "-l", "0", "-L", str(log)]
    with subprocess.Popen(
        command,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - set up before the fork; a killed test run leaves none
    ) as daemon:
        try:
            read = until_read(log, {"root": 400})
        finally:
            daemon.terminate()
    assert read == {"nobody": BUSYBOX.most_entries, "root": 400}
    assert "nobody: too many lines" in log.read_text()


def until_read(log: Path, wanted: dict[str, int]) -> dict[str, int]:
    """How many entries of each user busybox has read by its log, once it has read those wanted, and the others."""
    deadline = time.monotonic() + 20
    while True:
        said = log.read_text() if log.exists() else ""
        found = {user: said.count(f"user:{user} entry:") for user in ("nobody", "root")}
        if "too many lines" in said and wanted.items() <= found.items():
            return found
        assert time.monotonic() < deadline, said[-2000:]
        time.sleep(0.05)


def program_of_busybox() -> Path:
    found = program("busybox")
    assert found is not None
    return found
