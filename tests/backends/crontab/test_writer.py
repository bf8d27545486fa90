"""Changing the table: few writes, no lost change, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.crontab import kept_tables
from backends.crontab.block import split
from backends.crontab.targets import FileTarget, UserTarget
from backends.crontab.writer import Writer
from scheduling.errors import BackendError, NotFound
from tests.backends.crontab.damage import BLOCK, OWNER
from tests.backends.crontab.fake_crontab import FakeCrontab

FOREIGN = b"MAILTO=\n0 1 * * * backup"


class CountingTarget(FileTarget):
    """A private file that counts its writes, and spaces them like a user's crontab."""

    spacing = 1.1

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.writes = 0

    def write(self, table: bytes) -> None:
        self.writes += 1
        super().write(table)


class Clock:
    """A clock that only `sleep` moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_what_is_right_already_is_not_written(tmp_path: Path) -> None:
    target = CountingTarget(tmp_path / "tab")
    writer = Writer(target, tmp_path)
    assert writer.bring(lambda: b"a\n", OWNER)
    assert not writer.bring(lambda: b"a\n", OWNER)
    assert target.writes == 1


def test_installs_keep_their_distance(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(CountingTarget(tmp_path / "tab"), tmp_path, clock, clock.sleep)
    writer.bring(lambda: b"a\n", OWNER)
    assert clock.slept == []
    clock.now += 0.4
    writer.bring(lambda: b"b\n", OWNER)
    assert clock.slept == [pytest.approx(0.7)]
    clock.now += 5
    writer.bring(lambda: b"c\n", OWNER)
    assert len(clock.slept) == 1


def test_a_clock_that_was_put_back_makes_nobody_wait_long(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(CountingTarget(tmp_path / "tab"), tmp_path, clock, clock.sleep)
    writer.bring(lambda: b"a\n", OWNER)
    clock.now -= 86_400
    writer.bring(lambda: b"b\n", OWNER)
    assert sum(clock.slept) < 1.2


def test_what_changes_during_the_pause_is_in_the_same_write(tmp_path: Path) -> None:
    clock = Clock()
    target = CountingTarget(tmp_path / "tab")
    wanted = [b"a\n"]

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        wanted[0] = b"c\n"

    writer = Writer(target, tmp_path, clock, sleep)
    writer.bring(lambda: wanted[0], OWNER)
    wanted[0] = b"b\n"
    writer.bring(lambda: wanted[0], OWNER)
    assert split(target.read(), OWNER).block == b"c\n"
    assert target.writes == 2


def test_the_last_ten_tables_are_kept(tmp_path: Path) -> None:
    target, clock = FileTarget(tmp_path / "tab"), Clock()
    for number in range(kept_tables.MOST_KEPT + 2):
        clock.now += 1
        before = target.read()
        Writer(target, tmp_path, clock).bring(lambda number=number: b"%d\n" % number, OWNER)  # type: ignore[misc]  # mypy cannot infer a default
    names = kept_tables.names(tmp_path)
    assert len(names) == kept_tables.MOST_KEPT
    assert kept_tables.read(tmp_path, names[0]) == before
    assert names[0].startswith("19700112T134652.000000Z-")
    assert (tmp_path / "crontab-kept" / names[0]).stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotFound, match="kept"):
        kept_tables.read(tmp_path, "../tab")


def test_what_cannot_be_kept_is_not_changed(tmp_path: Path) -> None:
    target = FileTarget(tmp_path / "tab")
    target.path.write_bytes(FOREIGN)
    (tmp_path / "crontab-kept").touch()
    with pytest.raises(BackendError, match="cannot be kept"):
        Writer(target, tmp_path).bring(lambda: b"a\n", OWNER)
    assert target.read() == FOREIGN


def test_what_was_taken_out_stays_out_until_it_is_asked_for(tmp_path: Path) -> None:
    target = FileTarget(tmp_path / "tab")
    target.path.write_bytes(FOREIGN)
    writer = Writer(target, tmp_path)
    writer.bring(lambda: BLOCK, OWNER)
    assert writer.uninstall(OWNER)
    assert target.read() == FOREIGN
    with pytest.raises(BackendError, match="crontab install"):
        writer.bring(lambda: BLOCK, OWNER)
    assert target.read() == FOREIGN
    assert not writer.bring(lambda: b"", OWNER)
    writer.allow()
    assert writer.bring(lambda: BLOCK, OWNER)


def test_what_cannot_be_noted_is_not_taken_out(tmp_path: Path) -> None:
    target = FileTarget(tmp_path / "tab")
    target.path.write_bytes(FOREIGN)
    Writer(target, tmp_path).bring(lambda: BLOCK, OWNER)
    before = target.read()
    (tmp_path / "no folder").touch()
    writer = Writer(target, tmp_path / "no folder")
    with pytest.raises(BackendError, match="cannot be written"):
        writer.uninstall(OWNER)
    with pytest.raises(BackendError, match="cannot be written"):
        writer.allow()
    assert target.read() == before


def test_a_write_that_the_program_forgot_is_noticed(fake_crontab: FakeCrontab, tmp_path: Path) -> None:
    fake_crontab.table.write_bytes(FOREIGN + b"\n")
    fake_crontab.ignore_writes()
    with pytest.raises(BackendError, match="reads differently"):
        Writer(UserTarget(), tmp_path).bring(lambda: b"a\n", OWNER)
    assert fake_crontab.table.read_bytes() == FOREIGN + b"\n"


def test_a_refused_write_is_an_error_and_changes_nothing(fake_crontab: FakeCrontab, tmp_path: Path) -> None:
    fake_crontab.table.write_bytes(FOREIGN + b"\n")

    def fail_from_now_on() -> bytes:
        fake_crontab.fail("errors in crontab file, can't install.")
        return b"a\n"

    with pytest.raises(BackendError, match="can't install"):
        Writer(UserTarget(), tmp_path).bring(fail_from_now_on, OWNER)
    assert fake_crontab.table.read_bytes() == FOREIGN + b"\n"
