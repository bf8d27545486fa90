"""How does live status query the database? In a few threads, so that thousands of clients share a few connections."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar

from channels.db import DatabaseSyncToAsync  # type: ignore[import-untyped]  # channels has no type hints

P = ParamSpec("P")
T = TypeVar("T")

# As many connections to the database as live status takes, whatever the number of clients.
THREADS: Final = 4

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="feed")


def in_thread(ask: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """An async version of `ask`, which runs it in one of the threads. `ask` may use the database."""
    asking: Callable[P, Coroutine[Any, Any, T]] = DatabaseSyncToAsync(ask, thread_sensitive=False, executor=_pool)
    return asking
