"""A job that writes its runs to a file: they are counted without the ledger."""

import time

from scheduling.job_context import JobContext
from scheduling.registry import job


@job("chaos.work")
def work(context: JobContext, *, path: str, seconds: float = 0.0, fails: int = 0) -> int:
    """Work for so long. The first `fails` attempts fail. Returns the number of the attempt."""
    _write(context, path, "begins")
    time.sleep(seconds)
    if context.attempt <= fails:
        raise RuntimeError(f"attempt {context.attempt} is to fail")
    _write(context, path, "ends")
    return context.attempt


def _write(context: JobContext, path: str, what: str) -> None:
    with open(path, "a", encoding="ascii") as file:  # noqa: PTH123 - one write with O_APPEND, by any number of processes
        # The machine's clock, which no fault steps: chaos_settings.py.
        file.write(f"{context.task_id} {context.attempt} {what} {time.time()}\n")
