"""Attempts whose process is gone are found, and those whose process lives are not, whatever clocks and databases do."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

import pytest

from scheduling import ledger, processes
from scheduling.models import Process, Task
from scheduling.upkeep import lost_attempts
from scheduling.upkeep.lost_attempts import Attempt
from scheduling.upkeep.observer import Observer
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule, at
from tests.process_rows import a_process, ended_process

NOW = at("2026-11-20 10:00")
ONE: Attempt = (1, 1, "a process")
SAYS_WHEN_IT_STARTED = "print(open('/proc/self/stat').read().rpartition(')')[2].split()[19], flush=True)"


class Watch:
    """An observer, and what it looks at: everything moves its pulse every five seconds unless it is told not to."""

    def __init__(self) -> None:
        self.observer: Observer[Attempt] = Observer(
            silent_after=lost_attempts.LOST_AFTER, longest_gap=lost_attempts.LONGEST_GAP
        )
        self.moment = 1000.0
        self.its: int | None = None
        self.own: int | None = None

    def seconds(self, count: int, *, pulse: bool = True, own: bool = True, every: int = 1) -> list[Attempt]:
        """Look every `every` seconds for so long. Returns what was found to be lost, at any look."""
        found: list[Attempt] = []
        for _ in range(0, count, every):
            self.moment += every
            self.pulses(pulse=pulse, own=own)
            found += self.observer.look({ONE: self.its}, own=self.own, moment=self.moment)
        return found

    def pulses(self, *, pulse: bool, own: bool) -> None:
        beats = int(self.moment) // 5
        self.its = beats if pulse else self.its
        self.own = beats if own else self.own


@pytest.fixture
def watch() -> Watch:
    """One that has looked for a minute at an attempt that lives."""
    made = Watch()
    assert made.seconds(60) == []
    return made


def test_a_pulse_that_moves_is_alive_for_ever(watch: Watch) -> None:
    assert watch.seconds(10_000) == []


def test_a_pulse_that_stands_still_is_lost_after_twenty_seconds_and_not_before(watch: Watch) -> None:
    assert watch.seconds(19, pulse=False) == []
    assert ONE in watch.seconds(12, pulse=False)


def test_an_attempt_without_a_process_is_lost_too(watch: Watch) -> None:
    watch.its = None
    assert ONE in watch.seconds(40, pulse=False)


def test_a_stall_of_the_observer_counts_for_nothing(watch: Watch) -> None:
    """It was stopped, its machine slept, or its query waited for half an hour: the others may have been as well."""
    assert watch.seconds(4, pulse=False) == []
    watch.moment += 1800
    assert watch.observer.look({ONE: watch.its}, own=int(watch.moment), moment=watch.moment) == []
    assert watch.seconds(6, pulse=False) == []
    assert watch.seconds(60) == []


def test_time_in_which_the_observer_could_not_write_counts_for_nothing(watch: Watch) -> None:
    """A database that can be read and not written stops every pulse."""
    assert watch.seconds(120, pulse=False, own=False) == []
    assert watch.seconds(5, pulse=False) == []
    assert watch.seconds(60) == []


def test_who_never_had_a_pulse_of_its_own_finds_nothing_lost() -> None:
    watch = Watch()
    assert watch.seconds(600, pulse=False, own=False) == []


def test_an_attempt_that_ended_is_forgotten(watch: Watch) -> None:
    watch.seconds(15, pulse=False)
    watch.observer.look({}, own=int(watch.moment), moment=watch.moment + 1)
    assert watch.seconds(15, pulse=False) == []


@pytest.fixture
def running(db: None) -> Task:
    """A task whose attempt runs, in a process that is not known."""
    task = a_task(a_schedule(now=NOW), now=NOW)
    assert ledger.claim(task.pk, 1, worker="far", process="far away", now=NOW)
    return task


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of the observer; its own pulse moves with each look."""
    moments = [0.0]
    monkeypatch.setattr(
        lost_attempts,
        "_observer",
        Observer(silent_after=lost_attempts.LOST_AFTER, longest_gap=lost_attempts.LONGEST_GAP),
    )
    monkeypatch.setattr(time, "monotonic", lambda: moments[0])
    return moments


def look_for(seconds: int, moments: list[float]) -> None:
    for _ in range(0, seconds, 2):
        moments[0] += 2
        Process.objects.filter(key=processes.identity()).update(pulse=int(moments[0]))
        # An hour wrong, and never asked.
        lost_attempts.lose_silent(now=NOW + timedelta(hours=1))


def test_a_silent_attempt_is_given_up(running: Task, looks: list[float]) -> None:
    a_process("beat", key=processes.identity())
    a_process("pool", key="far away", pulse=3)
    look_for(20, looks)
    running.refresh_from_db()
    assert running.status == "RUNNING"
    look_for(8, looks)
    running.refresh_from_db()
    assert (running.status, running.error) == ("FAILED", "Its process has not been heard of for 20 seconds.")


@pytest.mark.parametrize("moved", [{"pulse": 4}, {"attempt": 2}])
def test_a_process_or_a_task_that_moved_since_the_look_is_alive(
    running: Task, looks: list[float], monkeypatch: pytest.MonkeyPatch, moved: dict[str, int]
) -> None:
    far = a_process("pool", key="far away", pulse=3)

    def found(*_: object, **__: object) -> list[Attempt]:
        row = Process.objects.filter(pk=far.pk) if "pulse" in moved else Task.objects.filter(pk=running.pk)
        row.update(**moved)
        return [(running.pk, 1, "far away")]

    monkeypatch.setattr(lost_attempts._observer, "look", found)
    lost_attempts.lose_silent(now=NOW)
    running.refresh_from_db()
    assert running.status == "RUNNING"


def test_a_process_of_this_machine_that_has_ended_is_known_at_once(running: Task) -> None:
    Task.objects.filter(pk=running.pk).update(process=ended_process())
    lost_attempts.lose_gone(now=NOW)
    running.refresh_from_db()
    assert (running.status, running.error) == ("FAILED", "Its process has ended.")


def test_only_a_process_of_this_machine_can_be_known_to_have_ended() -> None:
    command = [sys.executable, "-c", f"{SAYS_WHEN_IT_STARTED}; input()"]
    machine = processes.identity().rsplit("-", 2)[0]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        key = f"{machine}-{child.pid}-{child.stdout.readline().strip()}"
        assert not processes.is_gone(key)
        child.kill()
        # Not waited for yet: a zombie has ended as well.
        while not processes.is_gone(key):
            pass
    assert processes.is_gone(key)
    assert not processes.is_gone(processes.identity())
    assert not processes.is_gone(f"another-{key}")
    assert not processes.is_gone("0123456789abcdef-17")
    assert not processes.is_gone("")
