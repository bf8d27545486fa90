"""The units of docs/systemd: systemd itself reads them, and their commands, folders and times are those of Tandem."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from backends.crontab import job_processes
from scheduling import supervision
from tests.servers.plugin import require
from tests.servers.programs import program

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "systemd"
UNITS = sorted(path.name for path in FOLDER.iterdir())
# As `systemd-analyze security` weighs it: below 5 is "OK". The limit is what the units have, rounded up.
MOST_EXPOSED = {"tandem-web": 2.0, "tandem-beat": 2.0, "tandem-worker": 3.5, "tandem-agent": 3.5, "tandem-table": 5.0}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as they would be on this machine: its Python, and folders that exist."""
    require("systemd-analyze")
    for name in UNITS:
        text = (FOLDER / name).read_text(encoding="utf-8")
        text = text.replace("/srv/tandem/.venv/bin/python", sys.executable).replace("=/srv/tandem\n", f"={tmp_path}\n")
        (tmp_path / name).write_text(text.replace("/etc/tandem/tandem.env", str(tmp_path / "tandem.env")))
    (tmp_path / "tandem.env").touch()
    return tmp_path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(program("systemd-analyze")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_has_nothing_to_say_against_them(units: Path) -> None:
    done = analyze("verify", *(str(units / name) for name in UNITS))
    ours = [line for line in done.stderr.splitlines() if "tandem" in line]
    assert (done.returncode, ours) == (0, [])


def test_a_unit_with_a_mistake_is_noticed(units: Path) -> None:
    wrong = units / "tandem-web.service"
    wrong.write_text(wrong.read_text().replace("Restart=always", "Restart=allways"))
    assert "restart specifier" in analyze("verify", str(wrong)).stderr


@pytest.mark.parametrize("name", MOST_EXPOSED)
def test_they_are_as_closed_as_the_page_says(units: Path, name: str) -> None:
    done = analyze("security", "--offline=true", str(units / f"{name}.service"))
    found = re.search(r"exposure level for .*: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found.group(1)) <= MOST_EXPOSED[name]


def value(name: str, setting: str) -> str:
    """What the unit says; it says it once."""
    [found] = re.findall(rf"^{setting}=(.*)$", (FOLDER / name).read_text(encoding="utf-8"), re.MULTILINE)
    return str(found)


def test_the_times_hold_what_the_processes_need() -> None:
    # The agent waits for its children, then ends them and waits again.
    assert float(value("tandem-agent.service", "TimeoutStopSec")) > 2 * job_processes.GRACE_SECONDS
    graceful = re.search(r"--timeout-graceful-shutdown=(\d+)", value("tandem-web.service", "ExecStart"))
    assert graceful is not None
    assert float(value("tandem-web.service", "TimeoutStopSec")) > float(graceful.group(1))
    for name in ("tandem-beat.service", "tandem-agent.service", "tandem-worker.service"):
        assert value(name, "Type") == "notify"
        assert float(value(name, "WatchdogSec")) >= 2 * supervision.NOTIFY_SECONDS


def test_the_target_has_all_that_runs_and_all_leave_with_it() -> None:
    wanted = value("tandem.target", "Wants").split()
    assert wanted == [f"tandem-{part}.service" for part in ("web", "worker", "beat", "agent")]
    for name in wanted:
        assert value(name, "PartOf") == "tandem.target"
        assert value(name, "KillMode") == "mixed"
        assert value(name, "NoNewPrivileges") == "yes"
