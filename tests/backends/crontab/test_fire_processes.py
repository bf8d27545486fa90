"""The `fire` processes that the runner starts."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from backends.crontab import programs
from backends.crontab.fire_processes import MOST_AT_ONCE, Children


class FakeProcess:
    """A process that ends when the test says so."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.pid = 1
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        assert self.code is not None
        return self.code

    def terminate(self) -> None:
        self.code = -15


class Started(list[FakeProcess]):
    """Starts fake processes, and keeps them."""

    def __call__(self, command: Sequence[str]) -> FakeProcess:
        self.append(FakeProcess(command))
        return self[-1]


def test_a_bounded_number_runs_and_the_rest_follows() -> None:
    started = Started()
    children = Children(["manage", "fire"], started)
    for number in range(MOST_AT_ONCE + 3):
        children.add(str(number))
    children.step()
    assert len(started) == MOST_AT_ONCE
    assert started[0].command == ["manage", "fire", "0"]
    started[0].code = started[1].code = 0
    children.step()
    assert len(started) == MOST_AT_ONCE + 2


def test_what_waits_already_is_not_added_again() -> None:
    started = Started()
    children = Children([], started)
    children.add("1")
    children.add("1")
    children.step()
    assert len(started) == 1
    children.add("1")
    children.step()
    assert len(started) == 2


def test_a_failed_child_is_said(caplog: pytest.LogCaptureFixture) -> None:
    started = Started()
    children = Children([], started)
    children.add("7")
    children.step()
    started[0].code = 3
    with caplog.at_level(logging.WARNING):
        children.step()
    assert "fire 7 (process 1) ended with exit code 3" in caplog.text


def test_a_program_that_cannot_be_started_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    children = Children([str(tmp_path / "missing")], programs.start)
    children.add("7")
    with caplog.at_level(logging.ERROR):
        children.step()
    assert "7 could not be started" in caplog.text


def test_stopping_waits_for_those_that_end_in_time(tmp_path: Path) -> None:
    done = tmp_path / "done"
    children = Children(
        [sys.executable, "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()"], programs.start
    )
    children.add(str(done))
    children.step()
    children.stop(grace=60)
    assert done.exists()


def test_stopping_ends_those_that_do_not(caplog: pytest.LogCaptureFixture) -> None:
    sleeper = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(143)); time.sleep(600)"
    processes = []

    def start(command: Sequence[str]) -> object:
        processes.append(programs.start(command))
        return processes[-1]

    children = Children([sys.executable, "-c", sleeper], start)  # type: ignore[arg-type]  # it is a Popen
    children.add("long")
    children.step()
    with caplog.at_level(logging.WARNING):
        children.stop(grace=2)
    assert processes[0].poll() in {143, -15}
    assert "fire long still runs; it gets SIGTERM" in caplog.text
