"""docker/cron_host.py as a real process with a fake `cron`: how cron and the agent start and end together."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deployment.tools import ROOT
from tests.servers.plugin import require

_PATIENCE_SECONDS = 30.0

# It starts a "job" in a session of its own, as cron does, and lives until it is told to end.
_CRON = """#!/bin/sh
echo "$@" > {folder}/arguments
setsid sh -c '{job}' &
echo $$ > {folder}/cron
exec sleep 1000
"""


@pytest.fixture(autouse=True)
def _as_root() -> None:
    require("cron")


@contextmanager
def host(folder: Path, *, agent: str, job: str = "true", finish: int = 20) -> Iterator[subprocess.Popen[str]]:
    """A cron host whose agent and whose cron's job are shell scripts."""
    program = folder / "cron-folder" / "cron"
    program.parent.mkdir()
    program.write_text(_CRON.format(folder=folder, job=job))
    program.chmod(0o755)
    words = ["--user", getpass.getuser(), "--finish", str(finish)]
    command = [sys.executable, str(ROOT / "docker/cron_host.py"), *words, "--", "sh", "-c", agent]
    path = f"{program.parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, "PATH": path}, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()
            for name in ("cron", "agent", "job"):
                _kill(folder / name)


def _kill(file: Path) -> None:
    """Kill the process whose id a script wrote into a file. A script that ended normally has deleted its file."""
    if file.exists() and (pid := int(file.read_text())) > 1 and lives(pid):
        os.kill(pid, signal.SIGKILL)


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def pid_in(file: Path) -> int:
    """The process id in the file, once a script has written it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (file.exists() and file.read_text().endswith("\n")):
        assert time.monotonic() < deadline, file.name
        time.sleep(0.02)
    return int(file.read_text())


def test_the_agent_gets_the_users_groups_and_home_and_cron_stays_in_the_foreground(tmp_path: Path) -> None:
    with host(tmp_path, agent="id -G > groups; echo $HOME > home; echo $$ > agent; exec sleep 1000") as running:
        pid_in(tmp_path / "agent")
        pid_in(tmp_path / "cron")
        running.terminate()
        assert running.wait(_PATIENCE_SECONDS) == 0
    assert (tmp_path / "arguments").read_text() == "-f\n"
    user = getpass.getuser()
    known = subprocess.run(["id", "-G", user], capture_output=True, text=True, check=True).stdout
    assert set((tmp_path / "groups").read_text().split()) == set(known.split())
    assert (tmp_path / "home").read_text().strip() == str(Path("~").expanduser())


@pytest.mark.parametrize("which", ["agent", "cron"])
def test_when_one_ends_the_other_is_ended_too_and_the_exit_code_is_1(tmp_path: Path, which: str) -> None:
    with host(tmp_path, agent="echo $$ > agent; exec sleep 1000") as running:
        pids = {name: pid_in(tmp_path / name) for name in ("agent", "cron")}
        os.kill(pids[which], signal.SIGKILL)
        assert running.wait(_PATIENCE_SECONDS) == 1
        assert running.stderr is not None
        assert "has ended: stopping." in running.stderr.read()
    assert not any(map(lives, pids.values()))


def test_what_cron_has_started_may_finish(tmp_path: Path) -> None:
    job = (
        f"echo $$ > {tmp_path}/job; while [ -e {tmp_path}/cron-lives ]; do sleep 0.05; done; touch {tmp_path}/finished"
    )
    (tmp_path / "cron-lives").touch()
    with host(tmp_path, agent="echo $$ > agent; exec sleep 1000", job=job) as running:
        pid_in(tmp_path / "job")
        cron = pid_in(tmp_path / "cron")
        running.terminate()
        while lives(cron):
            time.sleep(0.02)
        # cron has gone, and its job is waited for.
        assert running.poll() is None
        (tmp_path / "cron-lives").unlink()
        assert running.wait(_PATIENCE_SECONDS) == 0
    assert (tmp_path / "finished").exists()


def test_a_command_that_does_not_finish_gets_sigterm_once(tmp_path: Path) -> None:
    trap = f'trap "echo asked >> {tmp_path}/asked; sleep 0.5; exit" TERM'
    job = f"{trap}; echo $$ > {tmp_path}/job; while true; do sleep 0.05; done"
    with host(tmp_path, agent="echo $$ > agent; exec sleep 1000", job=job, finish=1) as running:
        pid = pid_in(tmp_path / "job")
        pid_in(tmp_path / "agent")
        running.terminate()
        assert running.wait(2 * _PATIENCE_SECONDS) == 0
    assert (tmp_path / "asked").read_text() == "asked\n"
    assert not lives(pid)


def test_an_unknown_user_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "docker/cron_host.py"),
        "--user",
        "nobody-of-this-name",
        "--",
        "touch",
        "made",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "nobody-of-this-name" in done.stderr
    assert not (tmp_path / "made").exists()
