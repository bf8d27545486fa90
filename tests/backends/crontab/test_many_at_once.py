"""How many times the crontab is written when much is asked for: counted by the fake `crontab`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from backends.crontab.targets import UserTarget
from backends.crontab.writer import Writer
from scheduling import bulk, schedules
from scheduling.models import Schedule, SyncState
from scheduling.review import adoption
from scheduling.review.report import of_crontab
from tests.backends.crontab.damage import OWNER
from tests.backends.crontab.fake_crontab import FakeCrontab
from tests.conftest import a_schedule, at

NOW = at("2026-11-20 10:00")


@pytest.fixture
def on_user_crontab(settings: Settings, tmp_path: Path) -> None:
    """The fake user's crontab."""
    settings.VAR = tmp_path / "var"
    settings.TANDEM_CRONTAB = "user"
    settings.TANDEM_HOST = "testhost"
    settings.TANDEM_CRON_IMPORT = [{"command": "run {name}", "job": "demo.process_data", "name": "{name}"}]


def writes(fake: FakeCrontab) -> int:
    return sum(1 for call in fake.calls() if call.startswith("- "))


def reads(fake: FakeCrontab) -> int:
    return sum(1 for call in fake.calls() if call.startswith("-l "))


@pytest.mark.django_db
def test_adopting_500_lines_writes_once(fake_crontab: FakeCrontab, on_user_crontab: None) -> None:
    crontab = "".join(f"{number % 60} {number // 60} * * * run {number}\n" for number in range(500))
    found = adoption.apply(of_crontab(crontab, now=NOW), backend="crontab", now=NOW)
    assert {one.outcome for one in found.lines} == {"created"}
    assert len(found.lines) == 500
    assert writes(fake_crontab) == 1
    # The check of all lines reads the table once; the other reads are those of the one write.
    assert reads(fake_crontab) <= 12
    assert set(Schedule.objects.values_list("sync_state", flat=True)) == {SyncState.IN_SYNC}


@pytest.mark.django_db
def test_a_bulk_move_writes_once_each_way(fake_crontab: FakeCrontab, on_user_crontab: None) -> None:
    for _ in range(20):
        a_schedule(now=NOW)
    for to in ("crontab", "beat"):
        before, read = writes(fake_crontab), reads(fake_crontab)
        moved = bulk.move(Schedule.objects.all(), to=to, dry_run=False, now=NOW, read_clock=lambda: NOW)
        assert {one.outcome for one in moved} == {"moved"}
        assert writes(fake_crontab) - before == 1
        assert reads(fake_crontab) - read <= 12


@pytest.mark.django_db
def test_creating_changing_and_deleting_take_few_statements(
    settings: Settings, tmp_path: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.TANDEM_CRONTAB = f"file:{tmp_path / 'crontab'}"
    a_schedule(backend="crontab")
    # In a transaction the schedule, and a number and a row of the audit log; then those that run without the database,
    # those of the block, the result.
    with django_assert_num_queries(8):
        schedule = a_schedule(backend="crontab", cron="7 7 * * *", name="another")
    # In a transaction the lock and the change; then the last three.
    with django_assert_num_queries(9):
        schedules.update(schedule.pk, now=timezone.now(), cron="8 8 * * *")
    # In a transaction the lock, its open tasks, its replanned times, the schedule; then those of the table.
    with django_assert_num_queries(10):
        schedules.delete(schedule.pk, now=timezone.now())


def test_a_hundred_changes_in_parallel_are_a_handful_of_writes(fake_crontab: FakeCrontab, tmp_path: Path) -> None:
    asked: list[int] = []
    writer = Writer(UserTarget(), tmp_path / "var")

    def change(number: int) -> None:
        asked.append(number)
        writer.bring(lambda: b"".join(b"0 %d * * * x\n" % one for one in sorted(asked)), OWNER)
        # The change of whoever returns is in the table, whoever wrote it.
        assert b"0 %d * * * x\n" % number in fake_crontab.table.read_bytes()

    with ThreadPoolExecutor(100) as threads:
        list(threads.map(change, range(100)))
    assert fake_crontab.table.read_bytes().count(b" x\n") == 100
    assert writes(fake_crontab) <= 5
