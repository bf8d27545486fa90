"""The real cron daemon on hosts whose clocks change, with the time running 60 times as fast (libfaketime)."""

from __future__ import annotations

import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backends.crontab import lines
from backends.crontab.lines import Group
from scheduling.timing import Cron, clock_zone
from scheduling.timing.crontab_expressions import crontab_expressions
from tests.servers.namespaces import available, namespaces
from tests.servers.plugin import require

pytestmark = [pytest.mark.live, pytest.mark.drill, pytest.mark.timeout(400)]

SPEED = 60
# Half an hour before the change, and until what is repeated is over.
BEFORE = timedelta(minutes=35)
LENGTH = timedelta(minutes=110)
# Cron wakes at the beginning of a minute, and its child needs a second or two of real time on a busy machine.
LATEST = timedelta(seconds=SPEED * 4)
EARLIEST = timedelta(seconds=SPEED)
# A private /run and spool: the machine's own cron is not touched, and its lock does not matter. faketime keeps the
# beginning of its time in files under /dev/shm, named after a process id.
HOST = """
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /var/spool/cron
mkdir -m 1730 /var/spool/cron/crontabs
cp "$1" /var/spool/cron/crontabs/root
chmod 600 /var/spool/cron/crontabs/root
export TZ="$2"
exec faketime -f "$3" cron -f
"""


def marks_of(folder: Path, zone: str, tables: dict[str, tuple[str, ...]], start: datetime) -> dict[str, list[datetime]]:
    """When a cron that starts at `start` on a host in `zone` runs the lines of each name, within LENGTH."""
    groups = []
    for name, expressions in tables.items():
        (folder / f"{name}.marks").touch()
        mark = folder / name
        mark.write_text(f"#!/bin/sh\ndate +%s.%N >> {mark}.marks\n")
        mark.chmod(0o700)
        groups.append(lines.render([Group(expressions, name, ())], command=str(mark), zone=zone))
    (folder / "table").write_bytes(b"".join(groups))
    fake = f"@{start.astimezone(clock_zone(zone)):%Y-%m-%d %H:%M:%S} x{SPEED}"
    began = time.time()
    # faketime forks, and cron is its child: no signal to the one ends the other, but the end of their namespace.
    command = ["sh", "-c", HOST, "host", str(folder / "table"), zone, fake]
    with namespaces(command) as host, pytest.raises(subprocess.TimeoutExpired):
        host.wait(LENGTH.total_seconds() / SPEED)
    return {
        name: [
            start + (float(mark) - began) * SPEED * timedelta(seconds=1)
            for mark in (folder / f"{name}.marks").read_text().split()
        ]
        for name in tables
    }


def lost(due: list[datetime], marks: list[datetime]) -> list[datetime]:
    return [moment for moment in due if not any(-EARLIEST <= mark - moment <= LATEST for mark in marks)]


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2027, 10, 2, 15, 30, tzinfo=UTC)),
        ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
        ("Africa/Casablanca", datetime(2026, 3, 22, 2, tzinfo=UTC)),
    ],
)
def test_cron_wakes_us_for_each_occurrence_around_a_change(zone: str, change: datetime, tmp_path: Path) -> None:
    require("cron")
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed")
    if not available():
        pytest.skip("namespaces are not available: run the tests as root, outside a container")
    start = change - BEFORE
    cron = Cron.parse(f"7,27,47 {change.hour - 1}-{change.hour + 1} * * *", "UTC")
    due = list(cron.occurrences(start + timedelta(minutes=2), start + LENGTH - 2 * LATEST))
    day = start.date()
    ours = crontab_expressions(cron, clock_zone(zone), day=day).expressions
    # The control: lines for a host whose clock does not change.
    wrong = crontab_expressions(cron, clock_zone("Asia/Tokyo"), day=day).expressions
    marks = marks_of(tmp_path, zone, {"ours": ours, "wrong": wrong}, start)
    assert len(due) > 3
    assert lost(due, marks["ours"]) == []
    assert lost(due, marks["wrong"])
