"""Waiting for a database that is away."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from django.db import DataError, InterfaceError, OperationalError, connection

from scheduling.database_away import wait_through

PAUSES = (0.5, 1.0, 2.5)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A mark for each time the connection was closed."""
    marks: list[str] = []
    monkeypatch.setattr(connection, "close", lambda: marks.append("closed"))
    return marks


def troubled(*troubles: Exception) -> Callable[[], str]:
    """Work that raises each of these once, and then is done."""
    left = list(troubles)

    def work() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return work


def test_work_that_succeeds_is_done_once(closed: list[str]) -> None:
    slept: list[float] = []
    assert wait_through(troubled(), pauses=PAUSES, sleep=slept.append) == "done"
    assert (slept, closed) == ([], [])


def test_each_trouble_is_logged_and_waited_for_on_a_new_connection(
    closed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    slept: list[float] = []
    work = troubled(OperationalError("server closed the connection\n"), InterfaceError("connection already closed"))
    with caplog.at_level(logging.INFO):
        assert wait_through(work, pauses=PAUSES, level=logging.INFO, sleep=slept.append) == "done"
    assert slept == [0.5, 1.0]
    assert closed == ["closed"] * 2
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "the database is away, trying again in 0.5 s: server closed the connection"),
        ("INFO", "the database is away, trying again in 1.0 s: connection already closed"),
    ]


@pytest.mark.parametrize("pauses", [(), PAUSES])
def test_the_last_trouble_is_raised_after_all_pauses(closed: list[str], pauses: tuple[float, ...]) -> None:
    slept: list[float] = []
    work = troubled(*[OperationalError("away") for _ in pauses], InterfaceError("still away"))
    with pytest.raises(InterfaceError, match="still away"):
        wait_through(work, pauses=pauses, sleep=slept.append)
    assert slept == list(pauses)


def stay_awake(seconds: float) -> None:
    raise AssertionError(f"slept for {seconds} s")


@pytest.mark.parametrize("trouble", [DataError("too long"), ValueError("a bug")])
def test_what_is_no_outage_is_raised_at_once(closed: list[str], trouble: Exception) -> None:
    with pytest.raises(type(trouble)) as raised:
        wait_through(troubled(trouble), pauses=PAUSES, sleep=stay_awake)
    assert raised.value is trouble
    assert closed == []


def test_the_end_of_the_process_is_not_waited_for(closed: list[str]) -> None:
    def end() -> None:
        raise SystemExit(143)

    with pytest.raises(SystemExit):
        wait_through(end, pauses=PAUSES, sleep=stay_awake)
    assert closed == []
