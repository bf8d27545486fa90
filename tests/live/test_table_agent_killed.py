"""An agent that is killed between taking the table's lock and installing, with Debian's real `crontab`."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django import Settings

from backends.crontab import files
from backends.crontab.block import split
from backends.crontab.installation import owner
from backends.crontab.targets import UserTarget
from scheduling.errors import BackendError
from scheduling.models import Host, Schedule, SyncState
from tests.conftest import a_schedule
from tests.live.installation import Installation, Process
from tests.servers import user_crontab
from tests.servers.plugin import require

pytestmark = [pytest.mark.live, pytest.mark.shares("the user's crontab"), pytest.mark.timeout(300)]

FOREIGN = b"MAILTO=root\r\n17 4 * * * /bin/true # somebody's\n"
# Stands in the place of `crontab`: where it is to install, it says so, and waits for a line in a pipe.
HELD = """#!/bin/sh
if [ "$1" = - ] && [ -p {folder}/gate ]; then
    echo $$ > {folder}/pid && mv {folder}/pid {folder}/installing
    read -r _ < {folder}/gate
fi
exec {crontab} "$@"
"""


@dataclass(frozen=True)
class Table:
    """The user's crontab with a line of somebody, and the programs of an agent whose installing is held."""

    there: Installation
    folder: Path
    host: str

    def schedule(self, cron: str) -> None:
        """Ask for a schedule in this table."""
        a_schedule(backend="crontab", host=self.host, cron=cron)

    def agent(self) -> Process:
        """A real agent of this host, which writes the user's crontab."""
        path = f"{self.folder}:{os.environ['PATH']}"
        return self.there.start("manage.py", "crontab_agent", TANDEM_CRONTAB="user", PATH=path)

    def installing(self) -> int:
        """The process that is about to install, once it is there."""
        said = self.folder / "installing"
        self.there.until(said.exists)
        return int(said.read_text())

    def let_go(self) -> None:
        """Nothing is held any more."""
        gate = self.folder / "gate"
        gate.rename(self.folder / "open")
        # Opened for both, so that this does not wait for a reader.
        with (self.folder / "open").open("r+b", buffering=0) as pipe:
            pipe.write(b"\n")


@pytest.fixture
def table(on_postgres: Installation, settings: Settings) -> Iterator[Table]:
    """The table of a host whose agent has written it once. This process asks for schedules, and writes no table."""
    require("cron")
    there, host = on_postgres, settings.TANDEM_HOST
    settings.VAR, settings.TANDEM_CRONTAB, settings.TANDEM_HOST = there.folder, "none", "elsewhere"
    folder = there.folder / "programs"
    folder.mkdir()
    program = folder / "crontab"
    program.write_text(HELD.format(folder=folder, crontab=shutil.which("crontab")))
    program.chmod(0o755)
    with user_crontab.borrowed(FOREIGN):
        yield Table(there, folder, host)
        there.close()


@pytest.mark.parametrize("orphan", ["is killed, too", pytest.param("goes on later", marks=pytest.mark.drill)])
def test_an_agent_killed_before_it_installs_holds_nobody_up(table: Table, orphan: str) -> None:
    agent = table.agent()
    table.there.until(lambda: Host.objects.filter(name=table.host, error="").exists())
    os.mkfifo(table.folder / "gate")
    table.schedule("1 1 * * *")
    installing = table.installing()
    with pytest.raises(BackendError, match="locked"), files.exclusive(UserTarget().lock(), wait=0.0):
        pass
    before = user_crontab.in_spool()
    os.kill(agent.popen.pid, signal.SIGKILL)
    assert agent.wait() == -signal.SIGKILL
    with files.exclusive(UserTarget().lock(), wait=0.0):
        assert user_crontab.in_spool() == before

    if orphan == "goes on later":
        table.let_go()
        table.there.until(lambda: b"1 1 * * *" in user_crontab.below_header())
    else:
        os.kill(installing, signal.SIGKILL)
        (table.folder / "gate").unlink()
    table.schedule("2 2 * * *")
    table.agent()
    table.there.until(lambda: Schedule.objects.filter(sync_state=SyncState.IN_SYNC).count() == 2)
    parts = split(user_crontab.below_header(), owner(UserTarget()))
    assert parts.foreign == FOREIGN
    assert [parts.block.count(line) for line in (b"\n1 1 * * * ", b"\n2 2 * * * ")] == [1, 1]
