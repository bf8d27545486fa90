"""What a running job gets from Tandem, and how it reports back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class JobContext:
    """The task that a job runs for, and the functions that connect the job with the ledger.

    `due_at` is the occurrence, or the time that was asked for; None for a task that was to run at once.
    `scheduling.execution.run` provides `report`, `ask_cancelled` and `ask_mine`; tests provide their own.
    """

    task_id: int
    attempt: int
    due_at: datetime | None
    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    report: Callable[[int, int, str], None]
    ask_cancelled: Callable[[], bool]
    ask_mine: Callable[[], bool] = lambda: True

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Report progress: `done` of `total` steps. Call it often: reports that come too fast are left out."""
        self.report(done, total, message)

    @property
    def cancelled(self) -> bool:
        """Whether this task was asked to stop, updated once a second. A job that sees True should return soon."""
        return self.ask_cancelled()

    def still_mine(self) -> bool:
        """Whether this attempt still counts: it was not given up as lost, and not asked to stop.

        Asks the ledger each time (one query), so ask right before an effect that must not come from an attempt that
        another one has taken over from. Raises Django's OperationalError or InterfaceError while the database is away.
        """
        return self.ask_mine()
