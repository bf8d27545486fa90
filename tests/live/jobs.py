"""Jobs that leave a trace outside of the ledger."""

import os
import time

from scheduling.context import JobContext
from scheduling.registry import job
from scheduling.storable import Json


@job("live.append")
def append(context: JobContext, *, path: str) -> dict[str, Json]:
    """Write a line to a file: how often did this really run?"""
    _append(context, path)
    return {"process": os.getpid()}


@job("live.hang")
def hang(context: JobContext, *, path: str) -> None:
    """Write a line to a file and never return, without a look at the ledger."""
    _append(context, path)
    while True:
        time.sleep(60)


def _append(context: JobContext, path: str) -> None:
    with open(path, "a", encoding="ascii") as file:  # noqa: PTH123 - one write with O_APPEND, by any number of processes
        file.write(f"{context.task_id}\n")
