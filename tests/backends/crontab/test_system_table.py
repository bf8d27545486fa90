"""A table in /etc/cron.d: the user column, and what cron wants of the file."""

from __future__ import annotations

import os
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from backends.crontab import system_table, targets, wrapper
from backends.crontab.backend import CrontabBackend
from backends.crontab.targets import SystemTable
from scheduling import schedules
from scheduling.errors import BackendError, Misconfigured
from scheduling.models import SyncState
from tests.conftest import a_schedule, at

NOW = at("2026-11-20 10:00")
FOREIGN = b"# kept\n17 * * * * root /bin/true\n"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="cron runs only what root has written")


@pytest.fixture
def table(tmp_path: Path, settings: Settings) -> Path:
    """The file that the settings name; its lines run as nobody."""
    folder = tmp_path / "cron.d"
    folder.mkdir()
    settings.VAR = tmp_path / "var"
    settings.TANDEM_HOST = "testhost"
    settings.TANDEM_CRONTAB = f"cron.d:{folder / 'tandem'}:nobody"
    return folder / "tandem"


def test_the_setting_names_the_file_and_the_user() -> None:
    found = targets.parse("cron.d:/etc/cron.d/tandem:nobody")
    assert isinstance(found, SystemTable)
    assert (found.path, found.user, found.describe()) == (
        Path("/etc/cron.d/tandem"),
        "nobody",
        "cron.d:/etc/cron.d/tandem",
    )


@as_root
def test_without_a_user_the_lines_run_as_this_process() -> None:
    assert system_table.place_and_user("cron.d:/etc/cron.d/tandem")[1] == "root"


@as_root
def test_cron_can_tell_each_write_by_its_second(table: Path) -> None:
    """Cron compares whole seconds: what it has read earlier in the same second would hide the next write."""
    seconds: list[int] = []
    for text in (b"", FOREIGN, b"# changed\n", b"# again\n"):
        table.write_bytes(text) if not seconds else system_table.write(table, text)
        seconds.append(int(table.stat().st_mtime))
    assert len(set(seconds)) == 4


@pytest.mark.parametrize(
    "setting",
    ["cron.d:", "cron.d:tandem", "cron.d:/etc/cron.d/", "cron.d:/etc/cron.d/tandem.tab", "cron.d:/etc/cron.d/a b"],
)
def test_a_name_that_cron_would_ignore_is_refused(setting: str) -> None:
    with pytest.raises(Misconfigured, match="letters, digits"):
        targets.parse(setting)


@pytest.mark.parametrize("user", ["no-such-user-here", "root root", "*"])
def test_a_user_that_does_not_exist_is_refused(user: str) -> None:
    with pytest.raises(Misconfigured, match="there is no user"):
        targets.parse(f"cron.d:/etc/cron.d/tandem:{user}")


@as_root
@pytest.mark.django_db
def test_lines_have_the_user_and_foreign_lines_stay(table: Path) -> None:
    table.write_bytes(FOREIGN)
    schedule = a_schedule(cron="*/5 * * * *", backend="crontab")
    assert schedule.sync_state == SyncState.IN_SYNC
    written = table.read_bytes()
    assert written.startswith(FOREIGN)
    assert f"\n*/5 * * * * nobody {wrapper.path()} ".encode() in written
    assert [entry.text for entry in CrontabBackend().entries(schedule)] == [
        line for line in written.decode().splitlines() if line.startswith("*/5")
    ]
    assert CrontabBackend().inspect() == CrontabBackend().desired()
    schedules.delete(schedule.pk, now=NOW)
    assert table.read_bytes() == FOREIGN


@as_root
@pytest.mark.django_db
def test_the_file_is_as_cron_wants_it_and_goes_with_its_last_line(table: Path) -> None:
    schedule = a_schedule(backend="crontab")
    found = table.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_nlink) == (0o644, 0, 1)
    # What else is in the folder has a dot in its name, and cron ignores it.
    assert all("." in path.name for path in table.parent.iterdir() if path != table)
    assert wrapper.path().owner() == "nobody"
    schedules.pause(schedule.pk, now=NOW)
    assert not table.exists()


@pytest.mark.django_db
def test_what_this_process_may_not_write_is_left_to_root(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    schedule = a_schedule(backend="crontab")
    assert schedule.sync_state == SyncState.PENDING
    assert not table.exists()
    with pytest.raises(BackendError, match=r"run `manage.py crontab_agent --once` as root"):
        CrontabBackend().sync()
    with pytest.raises(BackendError, match="only what root has written"):
        SystemTable(table, "nobody").write(b"x\n")
    schedules.pause(schedule.pk, now=NOW)
    CrontabBackend().sync()


def test_a_machine_without_the_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(BackendError, match="no folder"):
        SystemTable(tmp_path / "none" / "tandem", "nobody").write(b"x\n")


@as_root
@pytest.mark.django_db
def test_an_agent_does_not_run_the_jobs_of_a_user_as_root(table: Path) -> None:
    call_command("crontab_agent", "--once", stdout=StringIO())
    with pytest.raises(CommandError, match="start it as nobody"):
        call_command("crontab_agent", stdout=StringIO())
