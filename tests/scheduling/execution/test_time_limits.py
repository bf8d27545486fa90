"""Which time limits a task has."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from scheduling.execution.interruption import Interruption
from scheduling.execution.time_limits import TimeLimits
from scheduling.models import Task


@pytest.mark.parametrize(
    ("own", "usual", "error"),
    [
        (None, 0, ""),
        (None, 30, "HardLimit: The hard time limit of 30 s has passed."),
        (20, 30, "HardLimit: The hard time limit of 20 s has passed."),
        (3000, 30, ""),
        (20, 0, "HardLimit: The hard time limit of 20 s has passed."),
    ],
)
def test_a_task_without_a_limit_has_that_of_the_settings(
    settings: Settings, own: int | None, usual: int, error: str
) -> None:
    settings.TANDEM_TIMEOUT = usual
    assert TimeLimits.of(Task(timeout=own), Interruption()).check(60) == error


@pytest.mark.parametrize(("own", "usual", "interrupted"), [(None, 0, False), (None, 30, True), (3000, 30, False)])
def test_so_has_it_with_the_soft_limit(settings: Settings, own: int | None, usual: int, *, interrupted: bool) -> None:
    settings.TANDEM_SOFT_TIMEOUT = usual
    asked: list[BaseException] = []

    class Noting(Interruption):
        """The real one would interrupt the test."""

        def interrupt(self, exc: BaseException) -> None:
            asked.append(exc)

    assert TimeLimits.of(Task(soft_timeout=own), Noting()).check(60) == ""
    assert bool(asked) is interrupted
