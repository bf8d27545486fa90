"""When the database is back: tell it what was done without, and only then forget it here."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from backends.crontab.spool import plan, wakes
from backends.crontab.spool.store import Spool, here
from scheduling import delivery, dispatch, recorded_later
from scheduling.errors import BackendError
from scheduling.models import Schedule, Task, TaskAttempt, TaskLogLine
from scheduling.spooled_run import SpooledRun

log = logging.getLogger(__name__)


def tell(*, now: datetime) -> None:
    """Tell the database what this host has in its spool. Costs nothing where nothing is there.

    Any number of processes may call it at once, and it may be interrupted at any point: each run becomes one attempt.
    What must run is left to the host, and may be taken at once. Raises what the database raises; what was told by then
    is forgotten here.
    """
    spool = here()
    if not spool.has_something():
        return
    try:
        with spool.telling() as ours:
            if ours:
                _tell(spool, now)
    except (OSError, BackendError) as exc:
        # What is in it stays in it. Nobody runs it again, whether it is told or not.
        log.error("the spool of this host cannot be told: %s", exc)  # noqa: TRY400 - the reason is enough


def _tell(spool: Spool, now: datetime) -> None:
    for run in spool.ended():
        _tell_run(spool, run, now)
    if spool.wakes.exists():
        _tell_wakes(spool, now)
    plan.write(spool)


def _tell_run(spool: Spool, run: SpooledRun, now: datetime) -> None:
    about = f"the run of schedule {run.schedule_id} for {_shown(run.due_at)}"
    try:
        conflict = recorded_later.record(run, host=settings.TANDEM_HOST, now=now)
        if conflict:
            log.error("%s contradicts the ledger, and is kept in conflicts: %s", about, conflict)
            spool.keep_conflict(run)
        else:
            spool.told(run)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # It stays, so nobody runs the occurrence again, and is told again. The others must not wait for it.
        log.exception("%s cannot be told", about)


def _tell_wakes(spool: Spool, now: datetime) -> None:
    """Decide what was due, and note on each row that cron did wake this host for it."""
    found = wakes.read(spool)
    made = _decided(found, now) if found else []
    delivery.hand_over(made, now=now)
    with spool.lock():
        # Another wake-up may have failed meanwhile: it is told next time, with those that are told already.
        if wakes.read(spool) == found:
            spool.wakes.unlink(missing_ok=True)
    if found:
        log.info("the database was away from %s to %s: %d wake-ups", _shown(found.at[0]), _shown(now), len(found.at))


def _decided(found: wakes.Wakes, now: datetime) -> list[Task]:
    """Decide all that is due on this host, in batches. Returns the tasks that may run."""
    due = Schedule.objects.filter(routed_to="crontab", host=settings.TANDEM_HOST, next_due_at__lte=now)
    made: list[Task] = []
    while True:
        with transaction.atomic():
            batch = list(due.select_for_update().order_by("next_due_at", "pk")[: delivery.BATCH])
            for schedule in batch:
                made += dispatch.decide(schedule, now=now, woken_by="crontab")
        if len(batch) < delivery.BATCH:
            break
    _note_on_rows(found, now)
    return made


def _note_on_rows(found: wakes.Wakes, now: datetime) -> None:
    """A line in the log of each row that the wake-ups were for; another process may have made the row since."""
    woke = f"cron woke {settings.TANDEM_HOST} for this, and "
    rows = Task.objects.filter(
        schedule__routed_to="crontab", schedule__host=settings.TANDEM_HOST, created_at__gte=found.at[0],
        due_at__lte=found.last,
    )  # fmt: skip
    told = TaskLogLine.objects.filter(task__in=rows, message__startswith=woke).values("task")
    ran = TaskAttempt.objects.filter(task__in=rows, worker__contains=recorded_later.WITHOUT).values("task")
    lines = []
    for task in rows.exclude(pk__in=told).exclude(pk__in=ran):
        woken = next((at for at in found.at if task.due_at and at >= task.due_at), found.last)
        said = f"{woke}gave up waiting for the database at {_shown(woken)}; it was back at {_shown(now)}"
        lines.append(TaskLogLine(task=task, attempt=task.attempt, at=now, level="INFO", message=said))
    TaskLogLine.objects.bulk_create(lines, batch_size=delivery.BATCH)


def _shown(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
