"""Watches a running attempt: pulse of its process, cancellation, time limits, storing of its log."""

from __future__ import annotations

import logging
import time
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Self

from django.db import DatabaseError, InterfaceError, connection

from scheduling import clock, ledger, processes
from scheduling.execution.interruption import Interruption, Stopped
from scheduling.execution.job_log import JobLog
from scheduling.execution.time_limits import TimeLimits
from scheduling.execution.watch_thread import looked_after
from scheduling.models import Task

log = logging.getLogger(__name__)

# A job that was asked to stop is interrupted after this.
STOP_GRACE: Final = timedelta(seconds=10)
# Its process is ended after this, for a job that catches every exception.
END_AFTER: Final = 2 * STOP_GRACE


class Watch:
    """Checks one attempt once a second. An attempt that is shorter costs no query."""

    def __init__(self, task: Task, interruption: Interruption, lines: JobLog) -> None:
        self._task = task
        self._interruption = interruption
        self._lines = lines
        self._limits = TimeLimits.of(task, interruption)
        # With a copy of this context, the log lines of the thread name the task too.
        self._looks = looked_after(partial(copy_context().run, self._check_safely))
        self._started = time.monotonic()
        self._says_alive = False
        self._stop_seen: float | None = None
        self._interrupted = False
        self.stop_asked = False

    def __enter__(self) -> Self:
        self._looks.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._looks.__exit__(None, None, None)
        if self._says_alive:
            processes.stop()

    def _check_safely(self) -> None:
        if not self._says_alive:
            # A worker's process has a pulse already; a process that cron started has one from here on.
            processes.start("inline")
            self._says_alive = True
        try:
            self._check(time.monotonic(), clock.estimate())
        except (DatabaseError, InterfaceError) as exc:
            log.warning("task %d: the database does not answer: %s", self._task.pk, exc)
            connection.close()

    def _check(self, moment: float, now: datetime) -> None:
        # The limits need no database, so they are checked first.
        self._check_limits(moment - self._started, now)
        held, asked = ledger.attempt_state(self._task)
        if asked or not held:
            self._stop(moment, now, held=held)
        self._lines.store()

    def _check_limits(self, running: float, now: datetime) -> None:
        passed = self._limits.check(running)
        if passed:
            # The process ends even if the ledger cannot be written: upkeep then finds the attempt without a heartbeat.
            try:
                ledger.fail(self._task, error=passed, now=now)
            finally:
                self._interruption.end_process()

    def _stop(self, moment: float, now: datetime, *, held: bool) -> None:
        self.stop_asked = True
        self._stop_seen = self._stop_seen or moment
        waited = moment - self._stop_seen
        if waited >= STOP_GRACE.total_seconds() and not self._interrupted:
            self._interrupted = True
            self._interruption.interrupt(Stopped("The job was asked to stop, and did not within the grace period."))
        if waited >= END_AFTER.total_seconds():
            if held:
                ledger.stopped(self._task, reason="asked to stop; its process had to be ended", now=now)
            self._interruption.end_process()
