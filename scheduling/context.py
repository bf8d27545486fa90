"""What a running job is given."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class JobContext:
    """The task a job runs for, and its line back to the ledger.

    `report` and `ask_cancelled` are given by `scheduling.execution`; tests give their own.
    """

    task_id: int
    attempt: int
    due_at: datetime | None
    log: logging.LoggerAdapter[logging.Logger]
    report: Callable[[int, int, str], None]
    ask_cancelled: Callable[[], bool]

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Say how far the job has come: `done` of `total` steps."""
        self.report(done, total, message)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for this task to stop. Costs one query: ask between steps, not between bytes."""
        return self.ask_cancelled()
