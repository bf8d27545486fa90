"""The children that run jobs: real processes, whose job is a small function of the test."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backends.crontab.job_processes import JobProcesses

# `multiprocessing` warns when a process with threads forks; pytest-xdist has some, the commands have none.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


class Work:
    """A job that notes that it runs in `folder`, and ends once the test lets it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, task: int, attempt: int) -> None:
        (self.folder / f"runs-{task}").touch()
        while not (self.folder / f"end-{task}").exists():
            time.sleep(0.01)
        (self.folder / f"done-{task}").touch()

    def let_end(self, *tasks: int) -> None:
        for task in tasks:
            (self.folder / f"end-{task}").touch()

    def names(self, kind: str) -> set[int]:
        return {int(path.name.partition("-")[2]) for path in self.folder.glob(f"{kind}-*")}

    def wait_for(self, kind: str, *tasks: int) -> None:
        deadline = time.monotonic() + 60
        while not set(tasks) <= self.names(kind):
            assert time.monotonic() < deadline, (kind, tasks, self.names(kind))
            time.sleep(0.01)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def finish(processes: JobProcesses) -> None:
    while processes.busy():
        processes.wait()
        processes.step()


def test_a_bounded_number_runs_and_the_rest_follows(work: Work) -> None:
    processes = JobProcesses(2, work)
    processes.add([(1, 1), (2, 1), (3, 1)])
    work.wait_for("runs", 1, 2)
    work.let_end(1)
    while 3 not in work.names("runs"):
        processes.wait()
        processes.step()
    # The second hangs, and held nobody.
    assert work.names("done") == {1}
    work.let_end(2, 3)
    finish(processes)
    assert work.names("done") == {1, 2, 3}


def test_what_waits_or_runs_already_is_not_added_again(work: Work) -> None:
    processes = JobProcesses(1, work)
    processes.add([(1, 1), (2, 1), (2, 1)])
    processes.add([(1, 1), (2, 1)])
    work.wait_for("runs", 1)
    work.let_end(1, 2)
    finish(processes)
    for name in ("runs-1", "runs-2"):
        (work.folder / name).unlink()
    assert not processes.busy()
    assert work.names("runs") == set()


def test_a_killed_child_is_told_at_once(work: Work, caplog: pytest.LogCaptureFixture) -> None:
    def die(task: int, attempt: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    processes = JobProcesses(1, die)
    processes.add([(7, 1)])
    with caplog.at_level(logging.WARNING):
        while not processes.step():
            # It closes its files a moment before it has ended.
            assert processes.busy()
            processes.wait()
    assert "task 7" in caplog.text
    assert "exit code -9" in caplog.text
    assert not processes.step()


def test_stopping_waits_for_those_that_end_in_time(work: Work) -> None:
    processes = JobProcesses(1, work)
    processes.add([(1, 1), (2, 1)])
    work.wait_for("runs", 1)
    work.let_end(1, 2)
    processes.stop(grace=60)
    # The second was never started: its task stays queued.
    assert work.names("runs") == {1}
    assert not processes.busy()


def test_stopping_ends_those_that_do_not(work: Work, caplog: pytest.LogCaptureFixture) -> None:
    def note(task: int, attempt: int) -> None:
        try:
            work(task, attempt)
        except SystemExit as exc:
            (work.folder / f"ended-{exc.code}").touch()
            raise

    processes = JobProcesses(1, note)
    processes.add([(1, 1)])
    work.wait_for("runs", 1)
    with caplog.at_level(logging.WARNING):
        processes.stop(grace=0)
    assert work.names("ended") == {128 + signal.SIGTERM}
    assert "gets SIGTERM" in caplog.text


def test_a_child_has_a_session_of_its_own(work: Work) -> None:
    def note(task: int, attempt: int) -> None:
        (work.folder / f"leader-{int(os.getsid(0) == os.getpid())}").touch()

    processes = JobProcesses(1, note)
    processes.add([(1, 1)])
    finish(processes)
    assert work.names("leader") == {1}


def test_a_child_does_at_its_end_what_it_wanted_itself(work: Work) -> None:
    def note(task: int, attempt: int) -> None:
        atexit.register((work.folder / f"own-{task}").touch)

    inherited = (work.folder / "inherited-1").touch
    atexit.register(inherited)
    try:
        processes = JobProcesses(1, note)
        processes.add([(1, 1)])
        finish(processes)
    finally:
        atexit.unregister(inherited)
    assert work.names("own") == {1}
    assert work.names("inherited") == set()


# A process without threads: a signal goes to any thread that does not block it, and pytest has some.
INTERRUPTED = """
import os, signal, time
from multiprocessing.context import ForkProcess
import django
django.setup()
from backends.crontab.job_processes import JobProcesses

def end(number, frame):
    raise SystemExit

def interrupted(process):
    start(process)
    # The child runs, and is not known yet.
    os.kill(os.getpid(), signal.SIGTERM)

signal.signal(signal.SIGTERM, end)
start, ForkProcess.start = ForkProcess.start, interrupted
processes = JobProcesses(2, lambda task, attempt: time.sleep(600))
try:
    processes.add([(1, 1)])
except SystemExit:
    print("told to end, busy:", processes.busy())
    processes.stop(grace=0.0)
    print("busy:", processes.busy())
"""


def test_a_signal_while_a_child_is_started_ends_that_child_too() -> None:
    with subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True) as process:
        try:
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert said == "told to end, busy: True\nbusy: False\n"
