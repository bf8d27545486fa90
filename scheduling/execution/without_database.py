"""Runs the job of a schedule while the database is away: nothing is claimed and nothing recorded here."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final

from scheduling import clock
from scheduling.execution.interruption import Interruption
from scheduling.execution.job_log import MOST_LINE_CHARACTERS
from scheduling.execution.run import checked, error_line, retry_wait
from scheduling.execution.time_limits import TimeLimits
from scheduling.execution.watch_thread import looked_after
from scheduling.job_context import JobContext
from scheduling.ledger import MOST_ERROR_CHARACTERS
from scheduling.models import Schedule
from scheduling.registry import definition
from scheduling.secret_values import Opened, hidden, hidden_value, hiding, opened
from scheduling.spooled_run import EndedRun, LoggedLine, Progress, RunEnd, StartedRun
from scheduling.storable import storable_text

log = logging.getLogger(__name__)

# Of one run: all of it is kept on the host, where an outage may bring many runs.
MOST_LINES: Final = 200


class LinesTo(logging.Handler):
    """Gives the lines of a job to `keep`, at most MOST_LINES. The last of these says that more was logged."""

    def __init__(self, keep: Callable[[LoggedLine], None]) -> None:
        super().__init__()
        self._keep = keep
        self._seen = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line, from any thread."""
        self._seen += 1
        if self._seen > MOST_LINES:
            return
        message = "more was logged, and is not kept" if self._seen == MOST_LINES else hidden(record.getMessage())
        text = storable_text(message[:MOST_LINE_CHARACTERS])
        self._keep(LoggedLine(datetime.fromtimestamp(record.created, UTC), record.levelname, text))

    def logger(self, name: str) -> logging.Logger:
        """A logger for this run only. Its lines also go to the handlers of the logger `name`."""
        made = logging.Logger(name)  # noqa: LOG001 - not for the whole process: it is dropped after the run
        made.parent = logging.getLogger(name)
        made.addHandler(self)
        return made


class LastProgress:
    """Remembers what the job reported last."""

    def __init__(self) -> None:
        self.last: Progress | None = None

    def report(self, done: int, total: int, message: str) -> None:
        self.last = Progress(done, total, storable_text(hidden(message)[:500]))


def run(
    started: StartedRun, due_at: datetime, *, keep: Callable[[LoggedLine], None], end: Callable[[EndedRun], None]
) -> None:
    """Run the job to its end. `keep` takes each line that it logs; `end` takes how it ended, once or twice.

    Where `end` is called twice, the first call counts: a hard limit ends the process, whatever the job does meanwhile.
    SystemExit and KeyboardInterrupt are told to `end` and raised again. Whoever calls this has made sure that nobody
    else runs the occurrence.
    """
    given = opened(started.schedule.parameters)
    # What is logged or told in here shows none of the secrets.
    with hiding(given.values):
        _run(started, due_at, given, keep=keep, end=end)


def _run(
    started: StartedRun,
    due_at: datetime,
    given: Opened,
    *,
    keep: Callable[[LoggedLine], None],
    end: Callable[[EndedRun], None],
) -> None:
    reported, interruption = LastProgress(), Interruption()
    context = JobContext(
        task_id=own_id(started.run_id),
        attempt=1,
        due_at=due_at,
        log=LinesTo(keep).logger("scheduling.job"),
        report=reported.report,
        # Nobody can ask it to stop, and nobody else can have taken over: both would need the database.
        ask_cancelled=lambda: False,
    )
    try:
        with _limited(started.schedule, interruption, end):
            ended = _ended(context, started.schedule, given, interruption, reported)
    except (SystemExit, KeyboardInterrupt) as exc:
        end(EndedRun(RunEnd.LOST, clock.estimate(), error=hidden(error_line(exc)), progress=reported.last))
        raise
    end(ended)


def own_id(run_id: str) -> int:
    """What such a job gets for the id of its task: a negative number of its own, for there is no task yet."""
    return -(int(run_id, 16) % 2**53) - 1


def _ended(
    context: JobContext, schedule: Schedule, given: Opened, interruption: Interruption, reported: LastProgress
) -> EndedRun:
    try:
        called = definition(schedule.job)
        with interruption.allowed():
            result = called.run(context, given.complete())
        return EndedRun(
            RunEnd.COMPLETED, clock.estimate(), result=hidden_value(checked(result)), progress=reported.last
        )
    except Exception as exc:  # noqa: BLE001 - every exception of a job is recorded as the failure of its task
        log.warning("schedule %d failed without the database: %s", schedule.pk, type(exc).__name__)
        wait = retry_wait(schedule, exc, attempt=1)
        return EndedRun(
            RunEnd.FAILED,
            clock.estimate(),
            error=storable_text(hidden(error_line(exc))[:MOST_ERROR_CHARACTERS]),
            traceback=hidden("".join(traceback.format_exception(exc)))[-MOST_ERROR_CHARACTERS:],
            retry_in=None if wait is None else wait.total_seconds(),
            progress=reported.last,
        )


def _limited(
    schedule: Schedule, interruption: Interruption, end: Callable[[EndedRun], None]
) -> AbstractContextManager[None]:
    """Inside the block a thread looks after the time limits."""
    limits, started = TimeLimits.of(schedule, interruption), time.monotonic()

    def look() -> None:
        passed = limits.check(time.monotonic() - started)
        if passed:
            try:
                end(EndedRun(RunEnd.FAILED, clock.estimate(), error=passed))
            finally:
                interruption.end_process()

    return looked_after(look)
