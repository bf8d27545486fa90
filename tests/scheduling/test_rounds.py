"""What a process writes when its loop comes round, and who reads it: real processes, and real locks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scheduling import probe, processes, rounds

# It holds its file, says so, and waits. `fork`: a child is there as well, and goes on when its parent is killed.
HOLDER = """
import os, sys
from scheduling.rounds import RoundFile
file = RoundFile(sys.argv[1], sys.argv[2])
if sys.argv[3:] == ["fork"] and os.fork():
    os.wait()
print(os.getpid(), flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(folder: Path, kind: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process whose loop has come round once and never will again."""
    command = [sys.executable, "-c", HOLDER, str(folder), kind, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_a_process_is_found_by_its_kind_until_it_ends(tmp_path: Path) -> None:
    with holder(tmp_path, "beat") as beat, holder(tmp_path, "worker"):
        [found] = rounds.last_rounds(str(tmp_path), "beat")
        assert found.pid == beat.pid
        assert 0 <= found.seconds < 60
        assert rounds.last_rounds(str(tmp_path), "agent") == []
    assert rounds.last_rounds(str(tmp_path), "beat") == []


def test_the_file_of_a_killed_process_is_no_sign_of_life_and_the_next_one_takes_it_away(tmp_path: Path) -> None:
    with holder(tmp_path, "beat", "fork") as beat:
        os.kill(beat.pid, signal.SIGKILL)
        beat.wait()
        # Its child has the file open, and not the lock.
        assert rounds.last_rounds(str(tmp_path), "beat") == []
        assert [path.name for path in tmp_path.iterdir()] == [f"beat-{beat.pid}"]
        own = rounds.RoundFile(str(tmp_path), "beat")
        assert [path.name for path in tmp_path.iterdir()] == [f"beat-{os.getpid()}"]
        own.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_stays_one_line(tmp_path: Path) -> None:
    own = rounds.RoundFile(str(tmp_path / "new" / "folder"), "beat")
    for _ in range(3):
        own.came_round()
    [file] = (tmp_path / "new" / "folder").iterdir()
    assert float(file.read_text()) > 0
    assert file.read_text().count("\n") == 1
    assert file.stat().st_mode & 0o777 == 0o600
    own.close()


def test_the_probe_tells_a_beat_that_hangs_from_one_that_comes_round(tmp_path: Path) -> None:
    folder = tmp_path / rounds.FOLDER
    with holder(folder, "beat") as beat:
        assert probe.answer(["beat"], var=str(tmp_path))[0]
        # As if it had come round last when the machine started.
        (folder / f"beat-{beat.pid}").write_text("0.0\n")
        with holder(folder, "beat") as other:
            well, line = probe.answer(["beat"], var=str(tmp_path))
            assert (well, line.startswith("beat hangs: ")) == (False, True)
            assert f"(process {beat.pid})" in line
            assert str(other.pid) not in line


def test_the_probe_says_what_it_misses(tmp_path: Path) -> None:
    assert probe.answer(["beat"], var=str(tmp_path)) == (False, f"No beat runs that writes into {tmp_path}/rounds.")
    for words in ([], ["web"], ["beat", "worker"]):
        assert probe.answer(words, var=str(tmp_path)) == (False, "Write one of: worker, beat, agent.")
    (tmp_path / rounds.FOLDER).write_text("no folder")
    well, line = probe.answer(["agent"], var=str(tmp_path))
    assert not well
    assert "cannot be read (Not a directory)" in line


def test_a_folder_that_was_emptied_meanwhile_does_not_disturb_the_end(tmp_path: Path) -> None:
    own = rounds.RoundFile(str(tmp_path), "beat")
    for path in tmp_path.iterdir():
        path.unlink()
    own.came_round()
    own.close()
    assert list(tmp_path.iterdir()) == []


class FailingDisk:
    """A file on a disk that takes nothing any more."""

    def came_round(self) -> None:
        raise OSError(5, "Input/output error")


def test_a_file_that_cannot_be_written_does_not_end_the_loop_and_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pulse = processes.Pulse("beat")
    monkeypatch.setattr(pulse, "_round_file", FailingDisk())
    pulse.came_round()
    pulse.came_round()
    [said] = [record.getMessage() for record in caplog.records]
    assert said == ("`manage.py probe beat` is no longer told when the loop comes round: [Errno 5] Input/output error")
