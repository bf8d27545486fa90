"""Changing the table: one process at a time, few writes, and no lost change."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backends.crontab.block import splice, split
from backends.crontab.targets import FileTarget, UserTarget
from backends.crontab.writer import Writer
from scheduling.errors import BackendError
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
    assert writer.bring(lambda: b"a\n")
    assert not writer.bring(lambda: b"a\n")
    assert target.writes == 1


def test_installs_keep_their_distance(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(CountingTarget(tmp_path / "tab"), tmp_path, clock, clock.sleep)
    writer.bring(lambda: b"a\n")
    assert clock.slept == []
    clock.now += 0.4
    writer.bring(lambda: b"b\n")
    assert clock.slept == [pytest.approx(0.7)]
    clock.now += 5
    writer.bring(lambda: b"c\n")
    assert len(clock.slept) == 1


def test_a_clock_that_was_put_back_makes_nobody_wait_long(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(CountingTarget(tmp_path / "tab"), tmp_path, clock, clock.sleep)
    writer.bring(lambda: b"a\n")
    clock.now -= 86_400
    writer.bring(lambda: b"b\n")
    assert sum(clock.slept) < 1.2


def test_what_changes_during_the_pause_is_in_the_same_write(tmp_path: Path) -> None:
    clock = Clock()
    target = CountingTarget(tmp_path / "tab")
    wanted = [b"a\n"]

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        wanted[0] = b"c\n"

    writer = Writer(target, tmp_path, clock, sleep)
    writer.bring(lambda: wanted[0])
    wanted[0] = b"b\n"
    writer.bring(lambda: wanted[0])
    assert split(target.read()).block == b"c\n"
    assert target.writes == 2


def test_many_threads_cost_few_writes_and_lose_nothing(tmp_path: Path) -> None:
    target = CountingTarget(tmp_path / "tab")
    target.path.write_bytes(FOREIGN)
    wanted: list[bytes] = []
    all_asked = threading.Barrier(20)

    def change(number: int) -> None:
        wanted.append(b"%d\n" % number)
        all_asked.wait()
        Writer(target, tmp_path, sleep=lambda _: None).bring(lambda: b"".join(sorted(wanted)))

    threads = [threading.Thread(target=change, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert split(target.read()).block.split() == sorted(b"%d" % number for number in range(20))
    assert target.writes == 1
    assert splice(target.read(), b"") == FOREIGN


PROCESS = """
import sys, pathlib
from backends.crontab.targets import FileTarget
from backends.crontab.writer import Writer
folder, number = pathlib.Path(sys.argv[1]), sys.argv[2]
(folder / "wanted" / number).touch()
def block():
    return "".join(sorted(file.name + "\\n" for file in (folder / "wanted").iterdir())).encode()
Writer(FileTarget(folder / "tab"), folder).bring(block)
"""


def test_processes_exclude_each_other(tmp_path: Path) -> None:
    (tmp_path / "wanted").mkdir()
    (tmp_path / "tab").write_bytes(FOREIGN)
    root = Path(__file__).parents[3]
    started = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path), str(number)], cwd=root) for number in range(6)
    ]
    assert [process.wait(60) for process in started] == [0] * 6
    assert split((tmp_path / "tab").read_bytes()).block == b"0\n1\n2\n3\n4\n5\n"
    assert splice((tmp_path / "tab").read_bytes(), b"") == FOREIGN


def test_a_damaged_block_is_left_as_it_is(tmp_path: Path) -> None:
    damaged = b"MAILTO=\n# --- END Tandem ---\n"
    (tmp_path / "tab").write_bytes(damaged)
    with pytest.raises(BackendError, match="damaged"):
        Writer(FileTarget(tmp_path / "tab"), tmp_path).bring(lambda: b"a\n")
    assert (tmp_path / "tab").read_bytes() == damaged


def test_a_write_that_the_program_forgot_is_noticed(fake_crontab: FakeCrontab, tmp_path: Path) -> None:
    fake_crontab.table.write_bytes(FOREIGN + b"\n")
    fake_crontab.ignore_writes()
    with pytest.raises(BackendError, match="reads differently"):
        Writer(UserTarget(), tmp_path).bring(lambda: b"a\n")
    assert fake_crontab.table.read_bytes() == FOREIGN + b"\n"


def test_a_refused_write_is_an_error_and_changes_nothing(fake_crontab: FakeCrontab, tmp_path: Path) -> None:
    fake_crontab.table.write_bytes(FOREIGN + b"\n")

    def fail_from_now_on() -> bytes:
        fake_crontab.fail("errors in crontab file, can't install.")
        return b"a\n"

    with pytest.raises(BackendError, match="can't install"):
        Writer(UserTarget(), tmp_path).bring(fail_from_now_on)
    assert fake_crontab.table.read_bytes() == FOREIGN + b"\n"
