"""BackoffRunner of beat's loop: cadence, backoff, and that nothing ends the loop."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, connection
from kombu.exceptions import OperationalError as BrokerAway

from backends.beat.backoff import LONGEST_BACKOFF, BackoffRunner


class Clock:
    """Monotonic seconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Step:
    """Counts its runs; raises `error` while there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.runs = 0

    def __call__(self) -> float:
        self.runs += 1
        if self.error is not None:
            raise self.error
        return 0.25


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_step_runs_each_time_and_says_itself_how_long_to_wait(clock: Clock) -> None:
    steps, step = BackoffRunner(clock), Step()
    assert [steps.run("it", step), steps.run("it", step)] == [0.25, 0.25]
    assert step.runs == 2


def test_a_step_with_a_cadence_waits_for_it(clock: Clock) -> None:
    steps, step = BackoffRunner(clock), Step()
    steps.run("it", step, every=2.0)
    clock.now += 0.5
    assert steps.run("it", step, every=2.0) == 1.5
    assert step.runs == 1
    clock.now += 1.5
    steps.run("it", step, every=2.0)
    assert step.runs == 2


@pytest.mark.parametrize(
    "error", [InterfaceError("closed"), BrokerAway("refused"), OSError("reset"), ValueError("bug")]
)
def test_trouble_is_backed_off_while_other_steps_keep_their_turn(clock: Clock, error: Exception) -> None:
    steps, broken, fine = BackoffRunner(clock), Step(error), Step()
    assert steps.run("broken", broken) == 1.0
    assert steps.run("broken", broken) == 1.0
    assert steps.run("fine", fine) == 0.25
    assert (broken.runs, fine.runs) == (1, 1)


def test_only_a_fault_of_ours_is_told_with_its_traceback(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for error in (OSError("reset"), ValueError("bug")):
        BackoffRunner(clock).run("it", Step(error))
    assert [record.exc_info is not None for record in caplog.records] == [False, True]


@pytest.mark.django_db(transaction=True)
def test_after_an_error_of_the_database_the_connection_is_made_anew(clock: Clock) -> None:
    connection.ensure_connection()
    BackoffRunner(clock).run("it", Step(OSError("reset")))
    assert connection.connection is not None
    BackoffRunner(clock).run("it", Step(InterfaceError("closed")))
    assert connection.connection is None


def test_each_failure_doubles_the_wait_up_to_the_longest(clock: Clock) -> None:
    steps, broken = BackoffRunner(clock), Step(OSError("away"))
    waits = []
    for _ in range(6):
        waits.append(steps.run("it", broken))
        clock.now += waits[-1]
    assert waits == [1.0, 2.0, 4.0, LONGEST_BACKOFF, LONGEST_BACKOFF, LONGEST_BACKOFF]


def test_an_outage_of_days_is_survived(clock: Clock) -> None:
    steps, broken = BackoffRunner(clock), Step(OSError("away"))
    for _ in range(3000):
        clock.now += steps.run("it", broken)
    assert broken.runs == 3000


def test_the_wait_starts_over_after_a_success(clock: Clock) -> None:
    steps, step = BackoffRunner(clock), Step(OSError("away"))
    for _ in range(3):
        clock.now += steps.run("it", step)
    step.error = None
    assert steps.run("it", step) == 0.25
    step.error = OSError("away again")
    assert steps.run("it", step) == 1.0
