"""Running a job without the database: what is kept, and how its end is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from scheduling.execution import watch_thread, without_database
from scheduling.job_context import JobContext
from scheduling.models import Schedule
from scheduling.registry import _jobs, job
from scheduling.spooled_run import EndedRun, LoggedLine, RunEnd, StartedRun

DUE = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.fixture
def register() -> Iterator[Callable[..., object]]:
    """Registers a function as the job of these tests."""
    yield job("test.without")
    _jobs.pop("test.without")


def ran(**fields: Any) -> tuple[list[LoggedLine], list[EndedRun]]:
    """The lines and the ends of one run of `test.without`."""
    schedule = Schedule(pk=1, name="s", job="test.without", **fields)
    lines: list[LoggedLine] = []
    ends: list[EndedRun] = []
    started = StartedRun("ff", schedule, "db1", "inline", "boot-1-1", DUE)
    without_database.run(started, DUE, keep=lines.append, end=ends.append)
    return lines, ends


def test_its_lines_are_bounded(register: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    def chatty(context: JobContext) -> None:
        for number in range(9):
            context.log.warning("%d \x00", number)

    register(chatty)
    monkeypatch.setattr(without_database, "MOST_LINES", 3)
    lines, [ended] = ran()
    assert [line.message for line in lines] == ["0 \\u0000", "1 \\u0000", "more was logged, and is not kept"]
    assert {line.level for line in lines} == {logging.getLevelName(logging.WARNING)}
    assert (ended.how, ended.result) == (RunEnd.COMPLETED, None)


def test_a_result_that_the_ledger_cannot_keep_is_a_failure(register: Callable[..., object]) -> None:
    def wrong(_: JobContext) -> object:
        return {1, 2}

    register(wrong)
    _, [ended] = ran()
    assert ended.how is RunEnd.FAILED
    assert ended.error.startswith("UnusableResult: ")


def test_a_job_that_is_gone_is_a_failure() -> None:
    _, [ended] = ran()
    assert (ended.how, ended.retry_in) == (RunEnd.FAILED, None)
    assert ended.error.startswith("UnknownJob: ")


def test_the_end_of_the_process_is_told_as_a_loss(register: Callable[..., object]) -> None:
    def ends(context: JobContext) -> None:
        context.progress(1, 3, "so far")
        raise SystemExit(143)

    register(ends)
    found: list[EndedRun] = []
    started = StartedRun("ff", Schedule(pk=1, name="s", job="test.without"), "db1", "inline", "boot-1-1", DUE)
    with pytest.raises(SystemExit):
        without_database.run(started, DUE, keep=lambda _: None, end=found.append)
    [ended] = found
    assert (ended.how, ended.error) == (RunEnd.LOST, "SystemExit: 143")
    assert ended.progress is not None
    assert ended.progress.message == "so far"


def test_the_soft_limit_interrupts_it(register: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_thread, "LOOK_EVERY", 0.05)

    def slow(_: JobContext) -> None:
        time.sleep(60)

    register(slow)
    _, [ended] = ran(soft_timeout=1)
    assert (ended.how, ended.error) == (RunEnd.FAILED, "SoftLimit: The soft time limit of 1 s has passed.")
