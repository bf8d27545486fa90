"""Processes, installations and people that change one table at a time, or stop in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backends.crontab import files
from backends.crontab.block import splice, split
from backends.crontab.owner import Owner
from backends.crontab.targets import FileTarget
from backends.crontab.writer import TRIES, Writer
from scheduling.errors import BackendError
from tests.backends.crontab.damage import BLOCK, OTHER, OTHERS_BLOCK, OWNER
from tests.backends.crontab.test_writer import FOREIGN, CountingTarget

ROOT = Path(__file__).parents[3]


def test_many_threads_cost_few_writes_and_lose_nothing(tmp_path: Path) -> None:
    target = CountingTarget(tmp_path / "tab")
    target.path.write_bytes(FOREIGN)
    wanted: list[bytes] = []
    all_asked = threading.Barrier(20)

    def change(number: int) -> None:
        wanted.append(b"%d\n" % number)
        all_asked.wait()
        Writer(target, tmp_path, sleep=lambda _: None).bring(lambda: b"".join(sorted(wanted)), OWNER)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert split(target.read(), OWNER).block.split() == sorted(b"%d" % number for number in range(20))
    assert target.writes == 1
    assert splice(target.read(), b"", OWNER) == FOREIGN


PROCESS = """
import sys, pathlib
from backends.crontab.targets import FileTarget
from backends.crontab.owner import Owner
from backends.crontab.writer import Writer
OWNER = Owner("0a1b2c3d", b"x due")
folder, number = pathlib.Path(sys.argv[1]), sys.argv[2]
(folder / "wanted" / number).touch()
def block():
    return "".join(sorted(file.name + "\\n" for file in (folder / "wanted").iterdir())).encode()
Writer(FileTarget(folder / "tab"), folder).bring(block, OWNER)
"""


def test_processes_exclude_each_other(tmp_path: Path) -> None:
    (tmp_path / "wanted").mkdir()
    (tmp_path / "tab").write_bytes(FOREIGN)
    started = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path), str(number)], cwd=ROOT) for number in range(6)
    ]
    assert [process.wait(60) for process in started] == [0] * 6
    assert split((tmp_path / "tab").read_bytes(), OWNER).block == b"0\n1\n2\n3\n4\n5\n"
    assert splice((tmp_path / "tab").read_bytes(), b"", OWNER) == FOREIGN


class EditedTarget(FileTarget):
    """A table that a person saves just after our `edited` first reads of it."""

    def __init__(self, path: Path, edited: int) -> None:
        super().__init__(path)
        self.left = edited

    def read(self) -> bytes:
        found = super().read()
        if self.left:
            self.left -= 1
            self.path.write_bytes(b"%d 5 * * * theirs\n" % self.left + found)
        return found


def test_an_edit_during_a_slow_rendering_is_kept(tmp_path: Path) -> None:
    target = FileTarget(tmp_path / "tab")
    target.path.write_bytes(FOREIGN)

    def render() -> bytes:
        # Whoever reads first has the table of before this edit.
        if b"theirs" not in target.path.read_bytes():
            target.path.write_bytes(b"5 5 * * * theirs\n" + FOREIGN)
        return b"a\n"

    assert Writer(target, tmp_path).bring(render, OWNER)
    assert split(target.read(), OWNER).foreign == b"5 5 * * * theirs\n" + FOREIGN


def test_edits_between_reading_and_writing_are_kept(tmp_path: Path) -> None:
    target = EditedTarget(tmp_path / "tab", TRIES - 1)
    target.path.write_bytes(FOREIGN)
    assert Writer(target, tmp_path).bring(lambda: b"a\n", OWNER)
    foreign = split(target.read(), OWNER).foreign
    assert foreign.endswith(FOREIGN)
    assert foreign.count(b"theirs") == TRIES - 1


def test_a_table_that_changes_all_the_time_is_not_written(tmp_path: Path) -> None:
    target = EditedTarget(tmp_path / "tab", 1_000)
    target.path.write_bytes(FOREIGN)
    with pytest.raises(BackendError, match="changes all the time"):
        Writer(target, tmp_path).bring(lambda: b"a\n", OWNER)
    assert b"Tandem" not in target.path.read_bytes()


def test_two_installations_of_one_user_wait_for_each_other(tmp_path: Path) -> None:
    target = FileTarget(tmp_path / "tab")
    target.path.write_bytes(FOREIGN)
    started = threading.Barrier(2)

    def bring(owner: Owner, block: bytes) -> None:
        started.wait()
        for _ in range(20):
            Writer(target, tmp_path / owner.id).bring(lambda: block, owner)
            Writer(target, tmp_path / owner.id).bring(lambda: b"", owner)
        Writer(target, tmp_path / owner.id).bring(lambda: block, owner)

    threads = [threading.Thread(target=bring, args=pair) for pair in ((OWNER, BLOCK), (OTHER, OTHERS_BLOCK))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table = target.read()
    assert (split(table, OWNER).block, split(table, OTHER).block) == (BLOCK, OTHERS_BLOCK)
    assert table.startswith(FOREIGN)
    assert not Writer(target, tmp_path).bring(lambda: BLOCK, OWNER)
    assert not Writer(target, tmp_path).bring(lambda: OTHERS_BLOCK, OTHER)


HOLDER = """
import sys, pathlib
from backends.crontab import files
with files.exclusive(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_writer_that_is_killed_leaves_the_table_whole_and_the_lock_free(tmp_path: Path) -> None:
    target = FileTarget(tmp_path / "tab")
    target.path.write_bytes(FOREIGN)
    command = [sys.executable, "-c", HOLDER, str(target.lock())]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BackendError, match="locked"), files.exclusive(target.lock(), wait=0.0):
            pass
        holder.kill()
    assert target.read() == FOREIGN
    assert Writer(target, tmp_path).bring(lambda: b"a\n", OWNER)


def test_the_lock_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    folder = tmp_path / "open"
    folder.mkdir()
    lock = folder / "lock"
    lock.touch()
    os.chown(lock, 65534, 65534)
    with files.exclusive(lock):
        pass
    folder.chmod(0o1777)
    with pytest.raises(BackendError, match=r"delete it|cannot be written"), files.exclusive(lock):
        pass
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BackendError, match="cannot be written"), files.exclusive(lock):
        pass
    assert not (tmp_path / "elsewhere").exists()
