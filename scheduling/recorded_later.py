"""Records a run that had no database: its occurrence gets the row, the attempt and the end that it has had."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction

from scheduling import delivery, dispatch, ledger
from scheduling.lifecycle import WAITING, Status
from scheduling.models import Schedule, Task, TaskAttempt, TaskLogLine
from scheduling.spooled_run import EndedRun, RunEnd, SpooledRun, StartedRun
from scheduling.storable import storable_text

log = logging.getLogger(__name__)

# In the `worker` of each attempt that was recorded later.
WITHOUT: Final = "without the database"
# A task in one of these never ran, so what ran without the database can be recorded as its attempt.
_NEVER_RAN = frozenset({Status.SKIPPED, Status.MISSED})


def record(run: SpooledRun, *, host: str, now: datetime) -> str:
    """Record a run that a host had without the database, in one transaction. Recording it again changes nothing.

    Returns why it contradicts the ledger, or ''. Then the ledger keeps its own story, and the task's log has the other.
    What was due before it and never ran is decided by the schedule's policies.
    """
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update().filter(pk=run.schedule_id).first()
        made = dispatch.decide_up_to(schedule, run.due_at, now=now, woken_by="crontab") if schedule else []
        task = _task(run, schedule, now)
        if task is None:
            return "its schedule is deleted, and the record of the run cannot be read"
        conflict = "" if _is_recorded(task, run) else _record(task, run, host, now)
    waiting = [each for each in made if each.pk != task.pk]
    delivery.hand_over([*waiting, *delivery.release(run.schedule_id, now=now)], now=now)
    return conflict


def _task(run: SpooledRun, schedule: Schedule | None, now: datetime) -> Task | None:
    """The row of the occurrence. It is made where the schedule that the ledger has does not name the occurrence."""
    found = Task.objects.select_for_update().filter(schedule_id=run.schedule_id, due_at=run.due_at).first()
    known = run.started.schedule if run.started else schedule
    if found is not None or known is None:
        return found
    return ledger.record([dispatch.task_of(known, run.due_at, now=now, woken_by="crontab")], now)[0]


def _is_recorded(task: Task, run: SpooledRun) -> bool:
    """Whether the commit of an earlier call came through, and only the record on the host was left."""
    return TaskAttempt.objects.filter(task=task, worker=_worker(run), started_at=_started_at(run)).exists()


def _record(task: Task, run: SpooledRun, host: str, now: datetime) -> str:
    _queue(task, now)
    task.refresh_from_db()
    if run.started is not None:
        _as_it_ran(task, run.started)
    process = run.started.process if run.started else ""
    claimed = ledger.claim(
        task.pk, task.attempt, worker=_worker(run), process=process, now=_started_at(run), has_run=True
    )
    if claimed is None:
        return _contradict(task, run, host, now)
    _keep_lines(claimed, run, host, now)
    _end(claimed, run.ended, now)
    return ""


def _queue(task: Task, now: datetime) -> None:
    """Bring a task that never ran to where it can be claimed. Upkeep cancels what waits too long for a lost host."""
    if task.status in WAITING and not task.attempts.exists():
        ledger.queue_waiting([task.pk], now=now)
    elif task.status in _NEVER_RAN or (task.status == Status.CANCELLED and task.reason == ledger.EXPIRED):
        ledger.retry(task, now=now)


def _as_it_ran(task: Task, started: StartedRun) -> None:
    """The row says what ran: the schedule may have been changed while its host could not know."""
    ran = {"job": started.schedule.job, "parameters": started.schedule.parameters}
    if task.status == Status.QUEUED and ran != {"job": task.job, "parameters": task.parameters}:
        log.warning("task %d: what ran was schedule %d as of an older version", task.pk, started.schedule.pk)
        Task.objects.filter(pk=task.pk).update(**ran)


def _contradict(task: Task, run: SpooledRun, host: str, now: datetime) -> str:
    how = run.ended.how if run.ended else "it has no end"
    said = f"It also ran on {host} without the database, from {_shown(_started_at(run))} on: {how}."
    if not TaskLogLine.objects.filter(task=task, message=said).exists():
        TaskLogLine.objects.create(task=task, attempt=task.attempt, at=now, level="WARNING", message=said)
    log.error("task %d, which is %s: %s", task.pk, task.status, said)
    return f"task {task.pk} is {task.status}"


def _keep_lines(task: Task, run: SpooledRun, host: str, now: datetime) -> None:
    said = f"It ran on {host} while the database was away; this was told at {_shown(now)}."
    lines = [
        TaskLogLine(task=task, attempt=task.attempt, at=each.at, level=each.level, message=storable_text(each.message))
        for each in run.lines
    ]
    TaskLogLine.objects.bulk_create(
        [*lines, TaskLogLine(task=task, attempt=task.attempt, at=now, level="INFO", message=said)]
    )


def _end(task: Task, ended: EndedRun | None, now: datetime) -> None:
    """Record the end. A run without one is lost: `on_lost` decides."""
    if ended is None:
        ledger.lose(task, error="Its process ended while the database was away.", now=now)
        return
    at = ended.finished_at
    if ended.progress is not None:
        one = ended.progress
        ledger.progress(task, done=one.done, total=one.total, message=one.message, now=at)
    if ended.how is RunEnd.COMPLETED:
        ledger.complete(task, result=ended.result, now=at)
    elif ended.how is RunEnd.LOST:
        ledger.lose(task, error=ended.error, now=at)
    elif ended.retry_in is None:
        ledger.fail(task, error=ended.error, traceback=ended.traceback, now=at)
    else:
        until = at + timedelta(seconds=ended.retry_in)
        ledger.schedule_retry(task, error=ended.error, traceback=ended.traceback, wait_until=until, now=at)


def _worker(run: SpooledRun) -> str:
    return run.started.worker if run.started else f"inline, {WITHOUT}; its record cannot be read"


def _started_at(run: SpooledRun) -> datetime:
    return run.started.started_at if run.started else run.due_at


def _shown(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
