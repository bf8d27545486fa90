"""A job's context made of plain functions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from scheduling.job_context import JobContext


@dataclass
class Recorder:
    """Records the progress and log of a job. `cancel_when` answers each time the job asks whether it was cancelled."""

    cancel_when: Callable[[], bool] = lambda: False
    reports: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def context(self) -> JobContext:
        return JobContext(
            task_id=1,
            attempt=1,
            due_at=None,
            log=logging.LoggerAdapter(logging.getLogger("tests.job"), {}),
            report=lambda done, total, message: self.reports.append((done, total, message)),
            ask_cancelled=self.cancel_when,
        )
