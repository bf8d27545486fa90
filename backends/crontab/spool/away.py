"""What does a wake-up do that finds no database? It notes that, and runs what may run without."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime

from django.conf import settings

from backends.crontab.spool import plan, record, wakes
from backends.crontab.spool.store import RunFile, Spool, here
from scheduling import clock, processes
from scheduling.errors import BackendError
from scheduling.execution import without_database as execution
from scheduling.execution.run import worker_name
from scheduling.models import Overlap, Schedule
from scheduling.recorded_later import WITHOUT
from scheduling.spooled_run import EndedRun, LoggedLine, StartedRun

log = logging.getLogger(__name__)


def without_database(*, now: Callable[[], datetime] = clock.estimate) -> int:
    """Note this wake-up, and run what is due by the plan of this host. Returns how many occurrences were run.

    Never raises for a spool that cannot be read or written (full disk): that is logged as an error, which cron mails,
    and what is due is left to the catch-up policy.
    """
    spool = here()
    try:
        with spool.lock():
            wakes.note(spool, now=now())
    except (OSError, BackendError) as exc:
        log.error("this wake-up cannot be noted: %s", exc)  # noqa: TRY400 - the reason is enough
    return sum(_run_due(spool, schedule, now) for schedule in plan.read(spool))


def _run_due(spool: Spool, schedule: Schedule, now: Callable[[], datetime]) -> int:
    """Run the due occurrence of a schedule, and with overlap `queue` what has come due meanwhile."""
    ran = 0
    while _run_next(spool, schedule, now):
        ran += 1
        if schedule.overlap != Overlap.QUEUE:
            break
    return ran


def _run_next(spool: Spool, schedule: Schedule, now: Callable[[], datetime]) -> bool:
    try:
        with spool.lock():
            begun = _begin(spool, schedule, now())
    except (OSError, BackendError) as exc:
        log.error("schedule %d is not run without the database: %s", schedule.pk, exc)  # noqa: TRY400 - as above
        return False
    if begun is None:
        return False
    file, started, due_at = begun
    try:
        execution.run(started, due_at, keep=_keeper(file), end=_ender(file, schedule.pk))
    finally:
        file.close()
    return True


def _begin(spool: Spool, schedule: Schedule, now: datetime) -> tuple[RunFile, StartedRun, datetime] | None:
    """Begin the due occurrence of a schedule, if there is one and none of the schedule runs. Needs the lock."""
    due_at = plan.due(schedule, begun=spool.last_begun(schedule.pk), now=now)
    if due_at is None or spool.is_busy(schedule.pk):
        return None
    run_id = uuid.uuid4().hex
    started = StartedRun(
        run_id=run_id,
        schedule=schedule,
        host=settings.TANDEM_HOST,
        worker=f"{worker_name('inline')}, {WITHOUT}, run {run_id}",
        process=processes.identity(),
        started_at=now,
    )
    file = spool.begin(schedule.pk, due_at, record.of_start(started))
    return None if file is None else (file, started, due_at)


def _keeper(file: RunFile) -> Callable[[LoggedLine], None]:
    def keep(line: LoggedLine) -> None:
        try:
            file.append(record.of_line(line))
        except OSError as exc:
            # The line is in the log of this process all the same.
            log.warning("a line of a job's log is not kept: %s", exc)

    return keep


def _ender(file: RunFile, schedule_id: int) -> Callable[[EndedRun], None]:
    def end(ended: EndedRun) -> None:
        try:
            file.append(record.of_end(ended), sync=True)
        except OSError as exc:
            log.error("the end of a run of schedule %d (%s) cannot be kept: %s", schedule_id, ended.how, exc)  # noqa: TRY400 - the reason is enough

    return end
