"""What the tests of running a job share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scheduling.registry import _jobs, job


@pytest.fixture
def register() -> Iterator[Callable[[Callable[..., Any]], str]]:
    """Registers a function as a job for one test; gives the job's name."""
    names = []

    def add(function: Callable[..., Any]) -> str:
        name = f"test.{function.__name__}"
        job(name)(function)
        names.append(name)
        return name

    yield add
    for name in names:
        _jobs.pop(name)
