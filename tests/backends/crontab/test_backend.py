"""The backend over a private table and the database."""

from __future__ import annotations

import subprocess
import sys
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from backends.crontab import files, installation, programs, system_zone, targets
from backends.crontab.backend import CrontabBackend
from backends.crontab.block import MOST_LINES, splice
from backends.crontab.targets import FileTarget
from scheduling import drift, schedules
from scheduling.backend import WriteResult
from scheduling.entry import Entry
from scheduling.errors import BackendError, InvalidRequest
from scheduling.models import Host, Schedule
from tests.backends.crontab.fake_crontab import FakeCrontab
from tests.conftest import a_schedule
from tests.scheduling.timing.releases import a_release

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def a_host(name: str, zone: str = "UTC") -> Host:
    return Host.objects.create(name=name, crontab="user", zone=zone, heartbeat_at=NOON)


def a_draft(**fields: object) -> Schedule:
    return Schedule(**({"pk": 5, "name": "draft", "cron": "0 9 * * *", "anchor": NOON, "host": "testhost"} | fields))


def codes(schedule: Schedule) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in CrontabBackend().check(schedule)]


def test_a_created_schedule_has_its_line(crontab_file: Path, settings: Settings) -> None:
    schedule = a_schedule(backend="crontab", name="Morning", cron="0 9 * * 1-5")
    text = f"0 9 * * 1-5 {settings.VAR}/tandem-cron due"
    assert CrontabBackend().inspect() == [Entry(text)] == CrontabBackend().entries(schedule)
    assert CrontabBackend().desired()[0].schedule_ids == (schedule.pk,)
    assert f": {schedule.pk} Morning\n" in crontab_file.read_text()
    assert (Path(settings.VAR) / "tandem-cron").is_file()


def test_nothing_that_a_user_typed_is_in_a_command(crontab_file: Path) -> None:
    hostile = "x'; rm -rf / #%\n* * * * * evil"
    a_schedule(backend="crontab", name=hostile, description=hostile, parameters={})
    commands = [line for line in crontab_file.read_text().splitlines() if not line.startswith("#")]
    assert not any("evil" in line or "rm" in line for line in commands)


def test_pausing_resuming_and_deleting_follow_in_the_table(crontab_file: Path) -> None:
    crontab_file.write_bytes(b"MAILTO=\n0 1 * * * backup")
    kept = a_schedule(backend="crontab")
    schedule = a_schedule(backend="crontab", cron="1 2 3 4 *")
    backend = CrontabBackend()
    schedules.pause(schedule.pk, now=timezone.now())
    assert backend.inspect() == backend.entries(kept)
    schedules.resume(schedule.pk, now=timezone.now())
    assert backend.inspect() == backend.entries(kept) + backend.entries(schedule)
    schedules.delete(schedule.pk, now=timezone.now())
    schedules.delete(kept.pk, now=timezone.now())
    assert crontab_file.read_bytes() == b"MAILTO=\n0 1 * * * backup"


def test_removing_takes_the_line_away_whatever_the_database_says(crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab")
    assert CrontabBackend().remove(schedule) is WriteResult.DONE
    assert CrontabBackend().inspect() == []
    assert CrontabBackend().remove(schedule) is WriteResult.DONE


def test_a_schedule_moved_to_a_backend_without_hosts_leaves_the_table(crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab")
    Schedule.objects.filter(pk=schedule.pk).update(routed_to="elsewhere", host="")
    schedule.refresh_from_db()
    assert CrontabBackend().remove(schedule) is WriteResult.DONE
    assert CrontabBackend().inspect() == []
    assert CrontabBackend().remove(schedule) is WriteResult.LATER


def test_a_schedule_of_another_host_is_left_to_its_agent(crontab_file: Path) -> None:
    a_host("far")
    schedule = a_schedule(backend="crontab", host="far")
    assert CrontabBackend().install(schedule) is WriteResult.LATER
    assert CrontabBackend().remove(schedule) is WriteResult.LATER
    assert CrontabBackend().desired() == []
    assert not crontab_file.exists()


def test_a_schedule_that_goes_to_another_host_leaves_this_one_at_once(crontab_file: Path) -> None:
    a_host("far")
    schedule = a_schedule(backend="crontab")
    schedules.update(schedule.pk, now=timezone.now(), host="far")
    assert CrontabBackend().inspect() == []


def test_sync_drops_unknown_lines_and_tells_about_the_host(crontab_file: Path) -> None:
    schedule = a_schedule(backend="crontab")
    crontab_file.write_bytes(splice(b"", b"* * * * * x due\n", installation.owner(FileTarget(crontab_file))))
    CrontabBackend().sync()
    assert CrontabBackend().inspect() == CrontabBackend().desired() == CrontabBackend().entries(schedule)
    host = Host.objects.get(name="testhost")
    assert (host.crontab, host.zone, host.drift, host.error) == (f"file:{crontab_file}", "UTC", [], "")


def test_the_lines_for_a_host_are_for_its_clock(crontab_file: Path) -> None:
    a_host("berlin", "Europe/Berlin")
    draft = a_draft(host="berlin", cron="30 9 * * *", timezone="Europe/Berlin")
    assert [entry.text.split(" /")[0] for entry in CrontabBackend().entries(draft)] == ["30 9 * * *"]
    draft = a_draft(host="berlin", cron="30 9 * * *", timezone="Europe/London")
    assert [entry.text.split(" /")[0] for entry in CrontabBackend().entries(draft)] == ["30 10 * * *"]


def test_wasted_wake_ups_are_counted_for_the_clock_of_the_host(crontab_file: Path) -> None:
    a_host("berlin", "Europe/Berlin")
    assert CrontabBackend().wasted_wake_ups(a_draft(host="berlin", timezone="Europe/Berlin")) == 0
    every_seven = a_draft(host="berlin", cron="", every=420)
    assert (CrontabBackend().wasted_wake_ups(every_seven) or 0) > 400_000


def test_schedules_whose_lines_do_not_fit_are_woken_each_minute(crontab_file: Path) -> None:
    foreign = b"#\n" * (MOST_LINES - 8)
    crontab_file.write_bytes(foreign)
    first = a_schedule(backend="crontab", cron="0 9 * * *")
    assert CrontabBackend().inspect() == CrontabBackend().entries(first)
    second = a_schedule(backend="crontab", cron="0 10 * * *")
    [line] = CrontabBackend().desired()
    assert CrontabBackend().inspect() == [line]
    assert line.text.startswith("* * * * * ")
    assert line.schedule_ids == (first.pk, second.pk)
    assert second.sync_state == "in_sync"


def test_a_schedule_whose_zone_is_gone_keeps_no_other_out(crontab_file: Path) -> None:
    gone, fine = a_schedule(backend="crontab"), a_schedule(backend="crontab", cron="1 2 3 4 *")
    Schedule.objects.filter(pk=gone.pk).update(timezone="Nowhere/Land")
    CrontabBackend().sync()
    assert CrontabBackend().inspect() == CrontabBackend().entries(fine)


@pytest.mark.parametrize(
    ("every", "anchor", "expected"),
    [
        (60, NOON, []),
        (3600, NOON, []),
        (30, NOON, [("every", "needs_seconds")]),
        (90, NOON, [("every", "needs_seconds")]),
        (60, NOON + timedelta(seconds=1), [("every", "needs_seconds")]),
    ],
)
def test_intervals_need_whole_minutes(
    every: int, anchor: datetime, expected: list[tuple[str, str]], crontab_file: Path
) -> None:
    assert codes(a_draft(cron="", every=every, anchor=anchor)) == expected


def test_a_host_without_crontab_is_refused(crontab_file: Path, settings: Settings) -> None:
    assert codes(a_draft(host="far")) == [("host", "no_crontab")]
    a_host("far")
    assert codes(a_draft(host="far")) == []
    settings.TANDEM_CRONTAB = "none"
    assert codes(a_draft()) == [("host", "no_crontab")]
    assert codes(a_draft(host="")) == [("host", "no_crontab")]
    assert CrontabBackend().inspect() == CrontabBackend().desired() == []
    with pytest.raises(BackendError, match="no crontab"):
        CrontabBackend().install(a_draft())


def test_a_full_table_is_refused_before_anything_is_written(crontab_file: Path) -> None:
    full = b"#\n" * (MOST_LINES - 5)
    crontab_file.write_bytes(full)
    assert codes(a_draft()) == [("host", "crontab_full")]
    with pytest.raises(InvalidRequest, match="full"):
        a_schedule(backend="crontab")
    assert crontab_file.read_bytes() == full


def test_an_unreadable_table_leaves_the_schedule_stored_and_the_next_sync_repairs_it(crontab_file: Path) -> None:
    crontab_file.mkdir()
    schedule = a_schedule(backend="crontab")
    assert (schedule.sync_state, "cannot be read" in schedule.sync_error) == ("out_of_sync", True)
    crontab_file.rmdir()
    drift.sync(CrontabBackend())
    schedule.refresh_from_db()
    assert schedule.sync_state == "in_sync"


def test_the_table_of_the_user_goes_through_the_program(
    crontab_file: Path, settings: Settings, fake_crontab: FakeCrontab
) -> None:
    settings.TANDEM_CRONTAB = "user"
    fake_crontab.table.write_bytes(b"MAILTO=\n\xff\n")
    schedule = a_schedule(backend="crontab")
    assert fake_crontab.table.read_bytes().startswith(b"MAILTO=\n\xff\n# --- BEGIN")
    assert CrontabBackend().inspect() == CrontabBackend().entries(schedule)


def test_health_says_whether_somebody_runs_the_lines(crontab_file: Path, settings: Settings) -> None:
    assert not CrontabBackend().health().ok
    assert "cron_runner" in CrontabBackend().health().detail
    target = targets.FileTarget(crontab_file)
    with files.exclusive(targets.lock_path(target, Path(settings.VAR), "runner")):
        assert CrontabBackend().health().ok
        Host.objects.create(name="testhost", crontab="x", zone="UTC", heartbeat_at=NOON, error="disk full")
        assert CrontabBackend().health().detail == "disk full"


def test_health_says_that_the_clock_of_cron_will_differ(
    crontab_file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(a_release(tmp_path, "2025b", {"UTC": "Asia/Tokyo"}).folder),))
    with files.exclusive(targets.lock_path(targets.FileTarget(crontab_file), Path(settings.VAR), "runner")):
        found = CrontabBackend().health()
    assert not found.ok
    assert "clock in UTC (2025b) differs" in found.detail
    CrontabBackend().sync()
    host = Host.objects.get()
    assert (host.zone, host.tzdata) == ("UTC", "2025b")
    assert "clock in UTC (2025b) differs" in host.zone_differs


def test_health_never_raises(crontab_file: Path, settings: Settings) -> None:
    crontab_file.mkdir()
    assert "cannot be read" in CrontabBackend().health().detail
    settings.TANDEM_CRONTAB = "nonsense"
    assert "TANDEM_CRONTAB" in CrontabBackend().health().detail
    settings.TANDEM_CRONTAB = "none"
    assert CrontabBackend().health().ok


def test_the_wrapper_starts_the_command_it_was_written_for(crontab_file: Path, settings: Settings) -> None:
    settings.TANDEM_CRON_COMMAND = [sys.executable, "-c", "import sys; print(sys.argv[1:])"]
    a_schedule(backend="crontab")
    command = CrontabBackend().inspect()[0].text.split(" ", 5)[5]
    done = subprocess.run(["/bin/sh", "-c", command], env={}, capture_output=True, check=True, text=True)
    assert done.stdout == "['due']\n"


def test_what_somebody_did_to_the_block_is_told_by_kind_and_mended(crontab_file: Path) -> None:
    one, other = a_schedule(backend="crontab", cron="1 1 * * *"), a_schedule(backend="crontab", cron="2 2 * * *")
    CrontabBackend().sync()
    text = crontab_file.read_text()
    first, second = (next(line for line in text.splitlines() if line.startswith(f"{n} {n} ")) for n in (1, 2))
    crontab_file.write_text(second + "\n" + text.replace(first, f"# {first}").replace(second, "3 3 * * * theirs"))
    found = drift.find(CrontabBackend())
    assert sorted((each.kind.value, each.text, each.schedule_ids, each.wanted) for each in found.differences) == [
        ("disabled", f"# {first}", (one.pk,), first),
        ("foreign_inside", "3 3 * * * theirs", (), ""),
        ("moved", second, (other.pk,), ""),
    ]
    drift.sync(CrontabBackend())
    assert not drift.find(CrontabBackend())
    lines = crontab_file.read_text().splitlines()
    assert (lines.count(first), lines.count(second), lines.count("3 3 * * * theirs")) == (1, 1, 1)


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("cronie 1.7.2\n", ["0 9 * * *"]),
        ("usage: crontab [-u user] [-n] file\n", ["0 9 * * *"]),
        # It does not make up for a clock that jumps over half past two: the late run has a line.
        ("BusyBox v1.35.0 (Debian)\n", ["30 2 * * *", "*/30 3 28 3 *"]),
    ],
    ids=["cronie", "debian", "busybox"],
)
def test_lines_are_those_that_the_cron_of_this_machine_needs(
    said: str, lines: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TANDEM_CRONTAB = "user"
    monkeypatch.setattr(system_zone, "system_zone", lambda: "Europe/Berlin")
    monkeypatch.setattr(programs, "version", lambda: said)
    cron = "30 2 * * *" if len(lines) > 1 else "0 9 * * *"
    found = CrontabBackend().entries(a_draft(cron=cron, timezone="Europe/Berlin"))
    assert {entry.text.rpartition(" /")[0] for entry in found} >= set(lines)
