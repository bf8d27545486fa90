"""A pytest plugin: where several processes share the tests, each begins with its part of those that start servers.

A test that waits half a minute for cron would otherwise often be the last one, with one process at work and the others
done. The quick ones go to whoever is free: pytest-xdist's `--dist worksteal`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, islice
from typing import Any, TypeVar

import pytest

Item = TypeVar("Item")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the random order, but for what is slow. The tests of a file stay together: they share their servers.

    Tests with the same mark `shares` are as one file, and come first. In two processes those that use the user's
    crontab would wait for each other, and those that use RabbitMQ would start it twice.
    """
    told: dict[str, Any] = getattr(config, "workerinput", {})
    if (processes := told.get("workercount", 1)) > 1:
        files = grouped(items, lambda item: item.path, _shared)
        items[:] = dealt(files, processes, lambda item: item.get_closest_marker("live") is not None)


def _shared(item: pytest.Item) -> object:
    mark = item.get_closest_marker("shares")
    return None if mark is None else mark.args[0]


def grouped(
    items: Iterable[Item], place: Callable[[Item], object], shared: Callable[[Item], object]
) -> list[list[Item]]:
    """The tests of each place. Before them, those that share the same thing, as if they had one place."""
    sharing: dict[object, list[Item]] = {}
    rest: list[Item] = []
    for item in items:
        what = shared(item)
        (rest if what is None else sharing.setdefault(what, [])).append(item)
    return [*sharing.values(), *(list(tests) for _, tests in groupby(rest, place))]


def dealt(files: Iterable[Sequence[Item]], processes: int, is_slow: Callable[[Item], bool]) -> list[Item]:
    """All tests, in as many equal parts as there are processes. Each part begins with its share of the slow files."""
    slow: list[Sequence[Item]] = []
    quick: list[Sequence[Item]] = []
    for tests in files:
        (slow if any(map(is_slow, tests)) else quick).append(tests)
    rest = (test for tests in quick for test in tests)
    total = sum(map(len, slow)) + sum(map(len, quick))
    result: list[Item] = []
    for number in range(processes):
        mine = [test for tests in slow[number::processes] for test in tests]
        result += mine
        result += islice(rest, max(0, total // processes - len(mine)))
    return [*result, *rest]
