"""The only path that runs a job: claim the attempt, call the function, record what came of it."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from scheduling import dispatch, ledger
from scheduling.context import JobContext
from scheduling.executor import Executor, Submission
from scheduling.models import Task
from scheduling.registry import definition
from scheduling.storable import Json, problem_with

log = logging.getLogger(__name__)
job_log = logging.getLogger("scheduling.job")

# A database that restarts is back within this; what a job returned is not thrown away for it.
PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)


class UnusableResult(Exception):
    """A job returned what the ledger cannot keep."""


def worker_name(kind: str) -> str:
    """How the ledger names this process: the executor, the host and the process id."""
    return f"{kind} on {settings.TANDEM_HOST}, process {os.getpid()}"


def run(task_id: int, attempt: int, *, worker: str) -> list[Task]:
    """Claim the attempt and run its job to the end. Nothing happens where there is nothing to claim.

    Returns the tasks that its end released, for the caller to hand over. An exception of the job ends as FAILED, not
    here;
    one that ends the process (SystemExit, KeyboardInterrupt) is recorded and goes on.
    """
    task = ledger.claim(task_id, attempt, worker=worker, now=timezone.now())
    if task is None:
        log.info("task %d attempt %d: nothing to claim", task_id, attempt)
        return []
    with _Heartbeat(task):
        try:
            finish = _outcome(task)
        except BaseException as exc:
            _keep_trying(_failure(task, exc))
            raise
        _keep_trying(finish)
    return dispatch.release(task.schedule_id, now=timezone.now())


class InlineExecutor(Executor):
    """Runs tasks in the process that fired them: cron needs neither Celery nor a broker."""

    name = "inline"
    in_process = True

    def submit(self, tasks: Sequence[Task]) -> Submission:
        """Run the tasks one after the other, and those that their ends release."""
        waiting = deque(tasks)
        while waiting:
            task = waiting.popleft()
            waiting.extend(run(task.pk, task.attempt, worker=worker_name(self.name)))
        return Submission(tasks)


def _outcome(task: Task) -> Callable[[], bool]:
    """Call the job; what is to be recorded comes back as a function, so that recording can be tried again."""
    try:
        result = _checked(definition(task.job).run(_context(task), task.parameters))
    except Exception as exc:  # noqa: BLE001 - whatever a job raises is its task's failure, and is recorded as such
        return _failure(task, exc)
    return lambda: ledger.complete(task, result=result, now=timezone.now())


def _failure(task: Task, exc: BaseException) -> Callable[[], bool]:
    log.warning("task %d attempt %d failed: %s", task.pk, task.attempt, type(exc).__name__)
    error, text = f"{type(exc).__name__}: {exc}", "".join(traceback.format_exception(exc))
    return lambda: ledger.fail(task, error=error, traceback=text, now=timezone.now())


def _checked(result: object) -> Json:
    problem = problem_with(result, most_bytes=settings.TANDEM_MAX_RESULT_BYTES)
    if problem:
        raise UnusableResult(f"What the job returned {problem}.")
    return result  # type: ignore[return-value]  # problem_with has just shown that it is JSON


def _context(task: Task) -> JobContext:
    def report(done: int, total: int, message: str) -> None:
        ledger.progress(task, done=done, total=total, message=message, now=timezone.now())

    return JobContext(
        task_id=task.pk,
        attempt=task.attempt,
        due_at=task.due_at,
        log=logging.LoggerAdapter(job_log, {"task": task.pk, "job": task.job}),
        report=report,
        ask_cancelled=lambda: not ledger.is_held(task),
    )


def _keep_trying(finish: Callable[[], bool]) -> None:
    """Record an end, through a database that is away for a while."""
    for pause in (*PAUSES, None):
        try:
            if not finish():
                log.warning("the end of an attempt was not recorded: it had been cancelled or given up")
        except (OperationalError, InterfaceError):
            if pause is None:
                raise
            log.warning("the database is away: trying again in %s s", pause)
            connection.close()
            time.sleep(pause)
        else:
            return


class _Heartbeat:
    """Says from a thread that an attempt is alive; a short one never costs a query."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{task.pk}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(dispatch.HEARTBEAT.total_seconds()):
            try:
                ledger.heartbeat(self._task, now=timezone.now())
            except (OperationalError, InterfaceError) as exc:
                log.warning("task %d: no heartbeat, the database is away: %s", self._task.pk, exc)
            finally:
                connection.close()
