"""Jobs that write to a file, so that tests can count their runs without the ledger."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from celery.exceptions import Reject

from scheduling.job_context import JobContext
from scheduling.registry import job
from scheduling.retry_policy import RetryPolicy
from scheduling.storable import Json


@job("live.append")
def append(context: JobContext, *, path: str) -> dict[str, Json]:
    """Write a line to a file. The lines count the runs."""
    _append(context, path)
    return {"process": os.getpid()}


@job("live.count")
def count(context: JobContext, *, path: str, values: list[dict[str, Any]]) -> int:
    """Write a line to a file, and return how many values there are."""
    _append(context, path)
    return len(values)


@job("live.hang")
def hang(context: JobContext, *, path: str) -> None:
    """Write a line to a file and never return. It does not check for cancellation."""
    _append(context, path)
    while True:
        time.sleep(60)


@job("live.hang_at_first")
def hang_at_first(context: JobContext, *, path: str) -> None:
    """Write a line to a file; the first attempt then never returns."""
    _append(context, path)
    while context.attempt == 1:
        time.sleep(60)


@job("live.wait_at_first")
def wait_at_first(context: JobContext, *, path: str, gate: str) -> int:
    """Write a line to a file; the first attempt then goes on only once there is a file `gate`. Returns its number."""
    _append(context, path)
    while context.attempt == 1 and not os.path.exists(gate):  # noqa: PTH110 - nothing else is done with it
        time.sleep(0.05)
    return context.attempt


@job("live.deaf")
def deaf(context: JobContext, *, path: str) -> None:
    """Never return: it catches every exception."""
    _append(context, path)
    while True:
        # That is the point: nothing but the end of the process helps.
        with suppress(BaseException):
            time.sleep(60)


class Unpicklable(Exception):
    """An exception that cannot be read again from what pickle has written, and holds what it cannot write."""

    def __init__(self, *, number: int) -> None:
        super().__init__(f"number {number}")
        self.function = lambda: number


RAISED: dict[str, Callable[[], Exception]] = {
    "plain": lambda: ValueError("as asked"),
    "unpicklable": lambda: Unpicklable(number=7),
    "of_celery": lambda: Reject("no", requeue=True),
    "memory": lambda: MemoryError("as asked"),
}


@job("live.fails")
def fails(context: JobContext, *, path: str, kind: str) -> None:
    """Write a line to a file, and fail."""
    _append(context, path)
    error = RAISED[kind]()
    raise error


@job("live.fails_at_first", retries=RetryPolicy(max=1, base=0))
def fails_at_first(context: JobContext, *, path: str) -> None:
    """Write a line to a file; the first attempt then fails."""
    _append(context, path)
    if context.attempt == 1:
        raise ValueError("at first")


@job("live.until_stopped")
def until_stopped(context: JobContext, *, path: str) -> None:
    """Write a line to a file, and return when it is asked to stop."""
    _append(context, path)
    while not context.cancelled:
        time.sleep(0.05)


def _append(context: JobContext, path: str) -> None:
    with open(path, "a", encoding="ascii") as file:  # noqa: PTH123 - one write with O_APPEND, by any number of processes
        file.write(f"{context.task_id}\n")
