"""A wake-up and the agent: the program of the crontab line as a real process, and the socket in the test's own."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError
from pytest_django import Settings

from backends.crontab import agent_socket, ask_agent, wrapper
from backends.crontab.agent_socket import WakeUpServer
from scheduling.errors import BackendError

FULL = "all of it\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Longer than the path of a socket may be."""
    settings.VAR = tmp_path / ("long" * 30) / "var"
    agent_socket.make_folder()
    return agent_socket.folder()


def started(folder: Path, *arguments: str, patience: float = 60.0) -> subprocess.Popen[str]:
    """The program, with more patience (in seconds) for the greeting: a busy machine is no failure."""
    source = Path(ask_agent.__file__).read_text()
    patient = Path(django_settings.VAR) / f"ask_agent_{patience}.py"
    if not patient.exists():
        # Not again: another one that has just been started may be reading it.
        patient.write_text(source.replace("GREETING_SECONDS = 0.05", f"GREETING_SECONDS = {patience}"))
    command = wrapper.asking(sys.executable, str(folder), ["/bin/sh", "-c", "echo all of it"])
    command = [str(patient) if word == ask_agent.__file__ else word for word in command]
    return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)


def asked(folder: Path, *arguments: str, patience: float = 60.0) -> str:
    """What the full path says; nothing if the agent has decided."""
    with started(folder, *arguments, patience=patience) as process:
        return process.communicate(timeout=60)[0]


class Decisions:
    """Counts the decisions. They end when the test lets them."""

    def __init__(self) -> None:
        self.made = 0
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()
        self.error: Exception | None = None

    def __call__(self) -> None:
        self.begun.set()
        assert self.may_end.wait(60)
        self.made += 1
        if self.error is not None:
            raise self.error


@contextmanager
def an_agent(decide: Decisions) -> Iterator[WakeUpServer]:
    with agent_socket.bound() as listening:
        yield WakeUpServer(listening, decide)


class FullAtFirst(socket.socket):
    """A listening socket of a process that has no room for another file, the first time."""

    full = True

    def accept(self) -> tuple[socket.socket, object]:
        if self.full:
            self.full = False
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_an_agent_without_room_for_a_file_answers_when_there_is_room_again(folder: Path) -> None:
    decisions = Decisions()
    with agent_socket.bound() as listening, FullAtFirst(fileno=os.dup(listening.fileno())) as full:
        WakeUpServer(full, decisions)
        assert asked(folder, "due") == ""
    assert decisions.made == 1


def test_an_agent_decides(folder: Path) -> None:
    decisions = Decisions()
    with an_agent(decisions):
        assert asked(folder, "due") == ""
        assert decisions.made == 1
        assert (folder / "socket").stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
    assert asked(folder, "due") == FULL


def test_a_wake_up_of_the_agents_own_that_cannot_be_decided_is_given_to_another_process(folder: Path) -> None:
    decisions, given = Decisions(), threading.Event()
    decisions.error = OperationalError("away")
    with agent_socket.bound() as listening:
        wake_ups = WakeUpServer(listening, decisions, undecided=given.set)
        # Who asked decides by itself.
        assert asked(folder, "due") == FULL
        assert not given.is_set()
        wake_ups.wake()
        assert given.wait(60)


def test_only_due_is_for_the_agent(folder: Path) -> None:
    decisions = Decisions()
    with an_agent(decisions):
        assert asked(folder, "check") == FULL
        assert asked(folder, "due", "--run") == FULL
    assert decisions.made == 0


def test_wake_ups_that_come_during_a_decision_share_the_next_one(folder: Path) -> None:
    decisions = Decisions()
    decisions.may_end.clear()
    with an_agent(decisions) as wake_ups:
        wake_ups.wake()
        assert decisions.begun.wait(60)
        askers = [started(folder, "due") for _ in range(5)]
        # All are greeted, so none goes its own way; their decision begins after they asked.
        while wake_ups._asking.qsize() < 5:
            assert all(asker.poll() is None for asker in askers)
            # The threads of the agent need this process, too.
            time.sleep(0.01)
        decisions.may_end.set()
        assert [asker.communicate(timeout=60)[0] for asker in askers] == [""] * 5
    assert decisions.made == 2


def test_an_agent_that_hangs_holds_no_wake_up(folder: Path) -> None:
    # It listens, as a stopped process does, and never answers.
    with agent_socket.bound():
        assert asked(folder, "due", patience=0.05) == FULL


def test_an_agent_that_dies_after_the_greeting_loses_no_wake_up(folder: Path) -> None:
    with agent_socket.bound() as listening, started(folder, "due") as asker:
        connection, _ = listening.accept()
        connection.sendall(ask_agent.GREETING)
        connection.close()
        assert asker.communicate(timeout=60)[0] == FULL


@pytest.mark.parametrize("error", [OperationalError("away"), ChildProcessError("gone"), ValueError("a mistake")])
def test_an_agent_that_cannot_decide_says_nothing_and_goes_on(
    folder: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    decisions = Decisions()
    with an_agent(decisions):
        decisions.error = error
        assert asked(folder, "due") == FULL
        decisions.error = None
        assert asked(folder, "due") == ""
    assert str(error) in caplog.text


def test_a_socket_that_a_killed_agent_left_is_replaced(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        left.bind("socket")
    decisions = Decisions()
    assert asked(folder, "due") == FULL
    with an_agent(decisions):
        assert asked(folder, "due") == ""


def test_there_is_one_agent_at_a_time(folder: Path) -> None:
    with agent_socket.bound(), pytest.raises(BackendError, match="Another agent"), agent_socket.bound():
        pass
    with agent_socket.bound():
        pass


def test_a_folder_that_others_can_write_is_not_trusted(folder: Path) -> None:
    decisions = Decisions()
    with an_agent(decisions):
        folder.chmod(0o770)
        assert asked(folder, "due") == FULL
        assert asked(folder.parent / "missing", "due") == FULL
    assert decisions.made == 0


def test_a_folder_of_somebody_else_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(BackendError, match="not a folder of this user"):
        agent_socket.make_folder()


def test_without_an_agent_one_decides_one_waits_and_the_rest_relies_on_that_one(folder: Path) -> None:
    with (folder / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        # Which of them waits is chance; the others end at once.
        askers = [started(folder, "due") for _ in range(4)]
        while sum(asker.poll() is None for asker in askers) > 1:
            pass
        assert (folder / "next").exists()
        fcntl.flock(turn, fcntl.LOCK_UN)
        assert sorted(asker.communicate(timeout=60)[0] for asker in askers) == ["", "", "", FULL]
