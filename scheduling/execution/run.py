"""The only code that runs a job: claim the attempt, call the function, record the result."""

from __future__ import annotations

import logging
import os
import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from scheduling import clock, delivery, ledger, limits_in_force, log_context, processes, retry_policy
from scheduling.database_away import unavailable, wait_through
from scheduling.errors import NotFound
from scheduling.execution.interruption import Interruption, Stopped
from scheduling.execution.job_log import JobLog
from scheduling.execution.watch import Watch
from scheduling.job_context import JobContext
from scheduling.ledger import Ended
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from scheduling.registry import definition
from scheduling.retry_policy import Retry
from scheduling.secret_values import Opened, hidden, hidden_error, hidden_value, hiding, opened
from scheduling.storable import Json, problem_with
from scheduling.workflows import results
from scheduling.workflows.advance import advance

log = logging.getLogger(__name__)

# Seconds between the tries to record something while the database is away. A process that has to end tries no longer
# than their sum, which is enough for a restart of the database. Any other one tries on: while it lives, nobody else
# ends its attempt.
PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
# Seconds. Progress reports that come faster are left out, so that a job may report each step of a tight loop.
REPORT_EVERY: Final = 0.5


class UnusableResult(Exception):
    """A job returned a value that the ledger cannot store."""


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """How an attempt ended.

    `status` is what the ledger says: COMPLETED, FAILED, RETRYING or CANCELLED. It is None when nothing was claimed, or
    when the attempt was given up before its end. `error` is what the job raised, and `wait_until` the time of the next
    attempt. `released` are the tasks that waited for this one and are queued, for the caller to hand over.
    """

    status: Status | None = None
    error: Exception | None = None
    wait_until: datetime | None = None
    released: list[Task] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _End:
    """How a job ended, before that is recorded. `record` may be called again: recording can be tried again."""

    record: Callable[[], Ended | None]
    error: Exception | None = None
    wait_until: datetime | None = None


def worker_name(kind: str) -> str:
    """How the ledger names this process: the executor, the host and the process id."""
    return f"{kind} on {settings.TANDEM_HOST}, process {os.getpid()}"


def run_attempt(task_id: int, attempt: int, *, worker: str) -> AttemptOutcome:
    """Claim the attempt and run its job to the end. Does nothing when the attempt cannot be claimed.

    An exception of the job is recorded (FAILED or RETRYING) and returned, not raised. SystemExit and KeyboardInterrupt
    are recorded and raised again.
    """
    with log_context.bound(task_id=task_id, attempt=attempt):
        processes.claimed()
        task = _claim(task_id, attempt, worker)
        if task is None:
            log.info("task %d attempt %d: nothing to claim", task_id, attempt)
            return AttemptOutcome(released=ledger.give_places(ledger.places_of(task_id), now=clock.estimate()))
        given = opened(task.parameters)
        # What is logged, told or recorded in here shows none of the task's secrets.
        with log_context.bound(schedule_id=task.schedule_id), hiding(given.values):
            return _run_claimed(task, given)


def _claim(task_id: int, attempt: int, worker: str) -> Task | None:
    """Claim the attempt. A connection that has died since the last task costs a second try, not the attempt."""
    process = processes.identity()
    # After an error up to here, the process that gets the next message of the attempt runs it.
    now = _now()

    def claim() -> Task | None:
        return ledger.claim(task_id, attempt, worker=worker, process=process, now=now)

    try:
        return claim()
    except (OperationalError, InterfaceError):
        connection.close()
    # The claim may be stored although its answer was lost: then the attempt is ours, and nobody else runs it.
    ours = Task.objects.filter(pk=task_id, attempt=attempt, status=Status.RUNNING, process=process)
    return wait_through(lambda: ours.first() or claim(), pauses=PAUSES, for_ever=True)


def _now() -> datetime:
    """The time, over a connection that is open. Raises OperationalError while the database is away."""
    try:
        connection.ensure_connection()
        return clock.now()
    except (OperationalError, InterfaceError):
        # The clock is asked every few seconds: it may be the first to find that the connection has died.
        connection.close()
        connection.ensure_connection()
        return clock.now()


def error_line(exc: BaseException) -> str:
    """The type and the text of an exception. One that raises when it is asked for its text has none."""
    try:
        return f"{type(exc).__name__}: {exc}"
    except Exception as failed:  # noqa: BLE001 - __str__ is code of the job
        return f"{type(exc).__name__}: its text cannot be read ({type(failed).__name__})"


class _ProgressReporter:
    """Reports progress to the ledger: the last step always, others at most once in REPORT_EVERY."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._reported = 0.0

    def report(self, done: int, total: int, message: str) -> None:
        moment = time.monotonic()
        if done >= total or moment - self._reported >= REPORT_EVERY:
            self._reported = moment
            ledger.progress(self._task, done=done, total=total, message=hidden(message), now=clock.now())


def _run_claimed(task: Task, given: Opened) -> AttemptOutcome:
    end: _End | None = None
    try:
        lines = JobLog(task)
        interruption = Interruption()
        with Watch(task, interruption, lines) as watch:
            end = _end_of(task, given, watch, interruption, lines)
        ended = _keep_trying(partial(_record_end, end, lines), for_ever=True)
    except (SystemExit, KeyboardInterrupt) as exc:
        # The process must end, at any line above. First the end of the job is recorded; if it is unknown, as lost.
        _keep_trying(end.record if end else _lost(task, exc), for_ever=False)
        raise
    released = _released_by(task, ended, now=clock.estimate())
    return AttemptOutcome(ended.status if ended else None, end.error, end.wait_until, released)


def _released_by(task: Task, ended: Ended | None, *, now: datetime) -> list[Task]:
    """Queue the tasks that waited for the end of this task: in its schedule, under its limits, and in its workflow.

    They are not handed over yet. Where nothing waits, that costs no query: the end has told so.
    """
    tasks = delivery.release(task.schedule_id, now=now) if ended is None or ended.awaited else []
    tasks += ledger.give_places(limits_in_force.of(task, in_process=bool(task.host)), now=now)
    if task.workflow_id is not None:
        tasks += advance(task.workflow_id, task_id=task.pk, now=now)
    return tasks


def _end_of(task: Task, given: Opened, watch: Watch, interruption: Interruption, lines: JobLog) -> _End:
    """Call the job, and return how it ended."""
    context = JobContext(
        task_id=task.pk,
        attempt=task.attempt,
        due_at=task.due_at,
        log=lines.logger("scheduling.job"),
        report=_ProgressReporter(task).report,
        ask_cancelled=lambda: watch.stop_asked,
        ask_mine=lambda: ledger.attempt_state(task) == (True, False),
    )
    try:
        called = definition(task.job)
        parameters = results.parameters(task, given.complete())
        with interruption.allowed():
            result = called.run(context, parameters)
        kept = hidden_value(checked(result))
    except Stopped:
        log.warning("task %d attempt %d was interrupted", task.pk, task.attempt)
    except Exception as exc:  # noqa: BLE001 - every exception of a job is recorded as the failure of its task
        if not watch.stop_asked:
            return _failure(task, exc)
    else:
        if not watch.stop_asked:
            return _End(lambda: ledger.complete(task, result=kept, now=clock.now()))
    return _End(lambda: ledger.stopped(task, reason=_why_stopped(task), now=clock.now()))


def _failure(task: Task, exc: Exception) -> _End:
    """Another attempt follows if the exception is worth one and a retry is left; otherwise the task has failed."""
    log.warning("task %d attempt %d failed: %s", task.pk, task.attempt, type(exc).__name__)
    error, text = hidden(error_line(exc)), hidden("".join(traceback.format_exception(exc)))
    told = hidden_error(exc, error)
    wait = retry_wait(task, exc, attempt=task.attempt)
    if wait is None:
        return _End(lambda: ledger.fail(task, error=error, traceback=text, now=clock.now()), told)
    until = clock.estimate() + wait
    retry = partial(ledger.schedule_retry, task, error=error, traceback=text, wait_until=until)
    return _End(lambda: retry(now=clock.now()), told, until)


def retry_wait(of: Task | Schedule, exc: Exception, *, attempt: int) -> timedelta | None:
    """How long the next attempt waits after `attempt` raised `exc`; None where no other attempt follows."""
    try:
        called = definition(of.job)
    except NotFound:
        return None
    policy = retry_policy.policy(of.retries, called.retries)
    if not called.worth_a_retry(exc) or not policy.allows(attempt):
        return None
    if isinstance(exc, Retry) and exc.after is not None:
        return timedelta(seconds=min(max(exc.after, 0.0), retry_policy.LONGEST_WAIT))
    return policy.delay(attempt, random.random())  # noqa: S311 - the number spreads retries and protects nothing


def _lost(task: Task, exc: BaseException) -> Callable[[], Ended | None]:
    """An exception that ends the process of a job counts as the death of the process."""
    error = hidden(error_line(exc))
    return lambda: ledger.lose(task, error=error, now=clock.now())


def _record_end(end: _End, lines: JobLog) -> Ended | None:
    lines.store()
    return end.record()


def _why_stopped(task: Task) -> str:
    return Task.objects.values_list("reason", flat=True).get(pk=task.pk) or "asked to stop"


def checked(result: object) -> Json:
    """The result of a job. Raises UnusableResult where the ledger cannot store it."""
    problem = problem_with(result, most_bytes=settings.TANDEM_MAX_RESULT_BYTES)
    if problem:
        raise UnusableResult(f"The result of the job {problem}.")
    return result  # type: ignore[return-value]  # problem_with has just shown that it is JSON


def _keep_trying(record: Callable[[], Ended | None], *, for_ever: bool) -> Ended | None:
    """Record the end of an attempt. While the database does not answer, try again after each of PAUSES."""
    try:
        ended = record()
    except Exception as exc:
        if not unavailable(exc):
            raise
        # The connection may have died while the job ran.
        connection.close()
        ended = wait_through(record, pauses=PAUSES, for_ever=for_ever)
    if ended is None:
        log.warning("the end of an attempt was not recorded: the attempt is already cancelled or lost")
    return ended
