"""What a running job is given."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class JobContext:
    """The task a job runs for, and its line back to the ledger.

    `report` and `ask_cancelled` are given by `scheduling.execution.run`; tests give their own.
    """

    task_id: int
    attempt: int
    due_at: datetime | None
    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    report: Callable[[int, int, str], None]
    ask_cancelled: Callable[[], bool]

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Say how far the job has come: `done` of `total` steps. Often is fine: what comes too fast is left out."""
        self.report(done, total, message)

    @property
    def cancelled(self) -> bool:
        """Whether this task was asked to stop, as seen once a second: a job that heeds it returns soon."""
        return self.ask_cancelled()
