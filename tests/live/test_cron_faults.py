"""What is told, and what is left as it was, where a crontab cannot be read or written: with the real `crontab`.

Each runs in a mount namespace of its own, whose spool is a file system in memory: the machine's own is not seen there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.utils import timezone
from pytest_django import Settings

from backends.crontab.backend import CrontabBackend
from scheduling.models import Host, Schedule, SyncState
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.servers.plugin import require

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

SPOOL = "/var/spool/cron/crontabs"
FOREIGN = b"MAILTO=root\n17 * * * * /bin/true # kept\n"
# The spool of the namespace, with a table, a change of it, and what was in it after the command.
SCRIPT = """
set -eu
mount -t tmpfs -o size="$SIZE",mode=1730 tmpfs {spool}
chgrp crontab {spool}
crontab - < "$TABLE"
cp {spool}/root "$KEPT.before"
{change}
"$@" || code=$?
cp {spool}/root "$KEPT.after"
ls -A {spool} > "$KEPT.names"
exit "${{code:-0}}"
"""
READ_ONLY = "mount -o remount,ro " + SPOOL
DENIED = (
    'mkdir "$KEPT.etc"; echo daemon > "$KEPT.etc/cron.deny"; mount -t overlay overlay -o "lowerdir=$KEPT.etc:/etc" /etc'
)


class Namespace:
    """A place where the user's crontab is a private one. `kept` holds what was found there."""

    def __init__(self, there: Installation, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
        self.kept = there.folder / "spool"
        self.variables = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.live.live_settings",
            "DATABASE_URL": there.database_url,
            "TANDEM_VAR": str(there.folder),
            "TANDEM_CRONTAB": "user",
            "BROKER_URL": "redis://127.0.0.1:1/0",
        }
        self.host = str(configured.TANDEM_HOST)
        # This process only asks for schedules; the agent of the namespace writes the table.
        settings.TANDEM_CRONTAB, settings.TANDEM_HOST, settings.VAR = "none", "elsewhere", there.folder

    def run(self, *command: str, table: bytes = FOREIGN, change: str = "", size: str = "2m") -> str:
        """Run a command there, and return what it said."""
        given = self.kept.with_suffix(".given")
        given.write_bytes(table)
        variables = self.variables | {"TABLE": str(given), "KEPT": str(self.kept), "SIZE": size}
        script = ["unshare", "-m", "/bin/sh", "-c", SCRIPT.format(spool=SPOOL, change=change), "sh"]
        done = subprocess.run(
            [*script, *command], env=variables, cwd=configured.BASE_DIR, capture_output=True, text=True, check=False
        )
        return f"{done.returncode}: {done.stdout}{done.stderr}"

    def agent(self, **how: str | bytes) -> str:
        """Sync once."""
        return self.run(sys.executable, "manage.py", "crontab_agent", "--once", **how)  # type: ignore[arg-type]  # the options of run

    def unchanged(self) -> bool:
        """Whether the table is byte for byte as it was, and nothing lies beside it."""
        before, after = (Path(f"{self.kept}.{name}").read_bytes() for name in ("before", "after"))
        return before == after and Path(f"{self.kept}.names").read_text().split() == ["root"]


@pytest.fixture
def namespace(on_sqlite: Installation, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Namespace:
    """A namespace whose host has reported once, and has a schedule that is not in its crontab."""
    require("cron")
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("no mount namespaces: run the tests as root, where unshare(2) is allowed")
    made = Namespace(on_sqlite, monkeypatch, settings)
    # As its agent would have written it, whose start takes longer than all else here.
    host = Host.objects.create(name=made.host, crontab="user", zone="UTC", heartbeat_at=timezone.now())
    a_schedule(cron="0 3 * * *", backend="crontab", host=host.name)
    return made


def told(namespace: Namespace, said: str, words: str) -> None:
    """The words are in the agent's message, on the host and on the schedule, and the table is as it was."""
    assert said.startswith("1: "), said
    assert words in said
    assert words in Host.objects.get().error
    schedule = Schedule.objects.get()
    assert (schedule.sync_state, words in schedule.sync_error) == (SyncState.OUT_OF_SYNC, True)
    assert namespace.unchanged()


def test_a_table_is_written_there(namespace: Namespace) -> None:
    """The negative control: without a fault the same way changes the table."""
    assert namespace.agent().startswith("0: ")
    assert Schedule.objects.get().sync_state == SyncState.IN_SYNC
    assert not namespace.unchanged()


def test_a_read_only_spool_is_told(namespace: Namespace) -> None:
    told(namespace, namespace.agent(change=READ_ONLY), "Read-only file system")


def test_a_full_disk_is_told_and_leaves_no_half_table(namespace: Namespace) -> None:
    large = b"".join(b"# somebody's line %06d\n" % number for number in range(1_400))
    told(namespace, namespace.agent(table=large, size="64k"), "No space left on device")


def test_a_table_with_no_room_is_told(namespace: Namespace) -> None:
    full = b"".join(b"# %d\n" % number for number in range(9_989))
    told(namespace, namespace.agent(table=full), "cron reads no table of more than 10,000")


def test_9900_foreign_lines_leave_room(namespace: Namespace) -> None:
    full = b"".join(b"# %d\n" % number for number in range(9_900))
    assert namespace.agent(table=full).startswith("0: ")
    assert Path(f"{namespace.kept}.after").read_bytes().count(b"# ") > 9_900


def test_a_machine_without_cron_is_told(namespace: Namespace) -> None:
    # In the namespace, no program called crontab is left.
    hidden = 'mount --bind /dev/null "$(command -v crontab)"'
    said = namespace.agent(change=f'{hidden}; PATH=/nowhere; cp() {{ /bin/cp "$@"; }}; ls() {{ /bin/ls "$@"; }}')
    told(namespace, said, "There is no crontab program on this machine")


def test_a_user_whom_cron_deny_names_is_told(namespace: Namespace) -> None:
    ask = "from backends.crontab.targets import UserTarget; UserTarget().read()"
    as_daemon = ["setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups"]
    said = namespace.run(*as_daemon, sys.executable, "-c", ask, change=DENIED)
    assert "You (daemon) are not allowed to use this program" in said
    assert namespace.unchanged()


def test_health_tells_it_as_well(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.TANDEM_CRONTAB = "user"
    monkeypatch.setenv("PATH", str(tmp_path))
    found = CrontabBackend().health()
    assert (found.ok, "install cron" in found.detail) == (False, True)
