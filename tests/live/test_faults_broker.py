"""Faults of a broker, and of the network before it, while web, worker and beat run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.live.standing import Standing
from tests.live.visitor import Visitor

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

BACKLOG = 5


@contextmanager
def worker_asleep(there: Standing) -> Iterator[None]:
    """Inside the block the worker is stopped, so that messages accumulate."""
    group = there.worker.popen.pid
    os.killpg(group, signal.SIGSTOP)
    try:
        there.installation.until(lambda: there.broker.waiting() >= BACKLOG)
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


class Measured:
    """Records measurements with the result of a test: `pytest --junitxml`."""

    def __init__(self, keep: Callable[[str, object], None]) -> None:
        self._keep = keep

    def keep(self, visitor: Visitor, recovery: timedelta) -> None:
        self._keep("seconds until all had started", recovery.total_seconds())
        self._keep("seconds of the slowest answer over REST", max(answer.seconds for answer in visitor.answers))


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    return Measured(record_property)


def goes_through(there: Standing, fault: AbstractContextManager[None], measured: Measured) -> None:
    """During the fault occurrences come due and a client creates tasks. After it, each runs once, within RECOVERY."""
    with there.visited() as visitor:
        with fault:
            there.is_held_up()
        measured.keep(visitor, there.recovers(timezone.now()))


@pytest.mark.parametrize("keeps_data", [pytest.param(True, marks=pytest.mark.drill), False])
def test_a_broker_that_is_killed_with_messages_queued(standing: Standing, measured: Measured, keeps_data: bool) -> None:
    with standing.visited() as visitor:
        with worker_asleep(standing):
            standing.broker.server.kill()
        if not keeps_data:
            standing.broker.forget()
        standing.is_held_up()
        standing.broker.server.start()
        measured.keep(visitor, standing.recovers(timezone.now()))


@pytest.mark.drill
def test_a_broker_that_is_away_for_ninety_seconds(standing: Standing, measured: Measured) -> None:
    with standing.visited() as visitor:
        with standing.broker.killed(keeps_data=True):
            gone = timezone.now()
            standing.installation.until(lambda: timezone.now() - gone > timedelta(seconds=90), longest=100)
        measured.keep(visitor, standing.recovers(timezone.now()))


def test_a_broker_that_accepts_and_never_answers(standing: Standing, measured: Measured) -> None:
    goes_through(standing, standing.broker.hung(), measured)


@pytest.mark.drill
def test_a_broker_that_is_full(standing: Standing, measured: Measured) -> None:
    goes_through(standing, standing.broker.full(), measured)


def test_a_network_that_is_cut_between_worker_and_broker(standing: Standing, measured: Measured) -> None:
    goes_through(standing, standing.network.broken(), measured)


@pytest.mark.drill
def test_a_network_that_swallows_everything_between_worker_and_broker(standing: Standing, measured: Measured) -> None:
    goes_through(standing, standing.network.silent(), measured)
