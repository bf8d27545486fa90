"""From wake-ups to tasks: what is due becomes rows, rows are handed to executors; and the upkeep that forgets
nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Count

from scheduling import ledger
from scheduling.errors import InvalidTrigger, NotFound
from scheduling.executor import executor, executor_names
from scheduling.lifecycle import OPEN, Status
from scheduling.models import Schedule, SyncState, Task
from scheduling.planning import Plan, Policy, plan

log = logging.getLogger(__name__)

BATCH: Final = 500
# Between its commit and its being handed over a task has this long before upkeep takes it for left behind.
HAND_OVER: Final = timedelta(seconds=5)
# A task that was handed over and not claimed is sent again after this long, then after twice as long, and so on.
SEND_AGAIN: Final = timedelta(minutes=1)
# Executions say that they are alive every HEARTBEAT; one that was silent for LOST_AFTER is lost.
HEARTBEAT: Final = timedelta(seconds=5)
LOST_AFTER: Final = timedelta(seconds=20)


def dispatch_due(backend: str, *, now: datetime) -> int:
    """Turn one batch of due schedules of `backend` into tasks and hand them over. Returns how many schedules it took.

    Safe to call from any number of processes: each takes other rows (PostgreSQL) or waits its turn (SQLite).
    """
    with transaction.atomic():
        due = list(
            Schedule.objects.select_for_update(skip_locked=True)
            .filter(routed_to=backend, next_due_at__lte=now)
            .order_by("next_due_at")[:BATCH]
        )
        tasks = _decide(due, now=now, woken_by=backend)
    submit(tasks, now=now)
    return len(due)


def fire(schedule_id: int, *, now: datetime, woken_by: str) -> list[Task]:
    """Turn what is due of one schedule into tasks, and return those that may run, not yet handed over.

    Raises NotFound for a schedule that is gone: its native entry is left over, and the next sync removes it.
    """
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update().filter(pk=schedule_id).first()
        if schedule is None:
            raise NotFound(f"There is no schedule {schedule_id}.")
        if schedule.next_due_at is None or schedule.next_due_at > now:
            return []
        return _decide([schedule], now=now, woken_by=woken_by)


def submit(tasks: Sequence[Task], *, now: datetime) -> str:
    """Hand queued tasks to their executors.

    Returns why some were not handed over (they stay, and are sent again), or ''.
    """
    errors = []
    for name in sorted({task.executor for task in tasks}):
        submission = executor(name).submit([task for task in tasks if task.executor == name])
        ledger.sent(submission.handed_over, now=now, again_after=SEND_AGAIN)
        if submission.error:
            log.warning("executor %s took %d of its tasks: %s", name, len(submission.handed_over), submission.error)
            errors.append(submission.error)
    return "; ".join(errors)


def release(schedule_id: int | None, *, now: datetime) -> list[Task]:
    """Queue the task that waited for the one that just finished (overlap `queue`); returns it, not yet handed over."""
    if schedule_id is None:
        return []
    waiting = Task.objects.filter(schedule_id=schedule_id, status=Status.SCHEDULED)
    if not waiting.exists():
        return []
    with transaction.atomic():
        # The schedule's row orders those who release and those who plan.
        Schedule.objects.select_for_update().filter(pk=schedule_id).first()
        busy = Task.objects.filter(schedule_id=schedule_id, status__in=OPEN - {Status.SCHEDULED}).exists()
        first = None if busy else waiting.order_by("due_at", "pk").first()
        if first is None or not ledger.queue(first.pk, now=now + HAND_OVER):
            return []
    first.refresh_from_db()
    return [first]


def upkeep(*, now: datetime) -> None:
    """Mend what a crash left behind: lost attempts, tasks that wait for nothing, tasks that were never handed over."""
    lose_silent(now=now)
    waiting = Task.objects.filter(status=Status.SCHEDULED, schedule__isnull=False)
    for schedule_id in waiting.order_by().values_list("schedule_id", flat=True).distinct()[:BATCH]:
        submit(_elsewhere(release(schedule_id, now=now)), now=now)
    while left := take_left_behind(now=now):
        if submit(left, now=now) or len(left) < BATCH:
            break


def lose_silent(*, now: datetime) -> None:
    """Give up the attempts whose processes have been silent for LOST_AFTER."""
    for task in Task.objects.filter(status=Status.RUNNING, heartbeat_at__lt=now - LOST_AFTER)[:BATCH]:
        silent_since = task.heartbeat_at
        if silent_since is not None and ledger.lose(task, now=now, silent_since=silent_since):
            log.error("task %d attempt %d is lost: silent since %s", task.pk, task.attempt, silent_since)


def take_left_behind(*, now: datetime, host: str | None = None) -> list[Task]:
    """A batch of queued tasks that should have been claimed by now; nobody else gets the same ones for HAND_OVER.

    Without `host` those that can be sent from anywhere; with it those that have to run in a process on that host.
    """
    with transaction.atomic():
        left = Task.objects.select_for_update(skip_locked=True).filter(status=Status.QUEUED, send_at__lte=now)
        names = [name for name in executor_names() if executor(name).in_process == (host is not None)]
        left = left.filter(executor__in=names)
        if host is not None:
            left = left.filter(host=host)
        tasks = list(left.order_by("send_at")[:BATCH])
        Task.objects.filter(pk__in=[task.pk for task in tasks]).update(send_at=now + HAND_OVER)
    return tasks


def _elsewhere(tasks: Iterable[Task]) -> list[Task]:
    """Without those that must run in a process of their host: its agent finds them."""
    return [task for task in tasks if not executor(task.executor).in_process]


def _decide(schedules: list[Schedule], *, now: datetime, woken_by: str) -> list[Task]:
    """Plan locked schedules and store what was decided. Returns the queued tasks, older occurrences first."""
    open_tasks = _open_tasks(schedules)
    plans = [(schedule, _plan(schedule, now, open_tasks.get(schedule.pk, 0))) for schedule in schedules]
    known = _known(plans)
    tasks: list[Task] = []
    for schedule, made in plans:
        if made.replace:
            _cancel_open(schedule, now)
        tasks.extend(
            _task(schedule, decision.status, now, woken_by, decision.due_at, decision.reason)
            for decision in made.decisions
            if (schedule.pk, decision.due_at) not in known
        )
        schedule.cursor, schedule.next_due_at = made.cursor, made.next_due_at
    Schedule.objects.bulk_update(schedules, ["cursor", "next_due_at"])
    return [task for task in ledger.record(tasks, now) if task.status == Status.QUEUED]


def new_task(schedule: Schedule, *, now: datetime, woken_by: str) -> Task:
    """A queued task of the schedule that is no occurrence of it, not yet stored."""
    return _task(schedule, Status.QUEUED, now, woken_by, None, "")


def policy(schedule: Schedule) -> Policy:
    """The schedule's policies as planning wants them."""
    return Policy(
        overlap=schedule.overlap,
        catch_up=schedule.catch_up,
        catch_up_window=schedule.catch_up_window,
        grace=schedule.grace,
        starts_at=schedule.starts_at,
        ends_at=schedule.ends_at,
    )


def _plan(schedule: Schedule, now: datetime, open_tasks: int) -> Plan:
    try:
        return plan(schedule.trigger, schedule.cursor, now, policy(schedule), open_tasks=open_tasks)
    except InvalidTrigger as exc:
        # A zone that the machine's time zone data no longer knows: this schedule stops, the others go on.
        log.exception("schedule %d cannot be planned", schedule.pk)
        Schedule.objects.filter(pk=schedule.pk).update(sync_state=SyncState.OUT_OF_SYNC, sync_error=exc.detail)
        return Plan((), schedule.cursor, None)


def _open_tasks(schedules: list[Schedule]) -> dict[int, int]:
    counts = Task.objects.filter(schedule__in=schedules, status__in=OPEN).order_by().values("schedule_id")
    return {row["schedule_id"]: row["count"] for row in counts.annotate(count=Count("pk"))}


def _known(plans: list[tuple[Schedule, Plan]]) -> set[tuple[int | None, datetime | None]]:
    """Which planned occurrences are in the ledger already: a cursor may lag behind it, after a restored backup say."""
    instants = {decision.due_at for _, made in plans for decision in made.decisions}
    rows = Task.objects.filter(schedule__in=[schedule for schedule, _ in plans], due_at__in=instants)
    return {(row.schedule_id, row.due_at) for row in rows.only("schedule_id", "due_at")}


def _cancel_open(schedule: Schedule, now: datetime) -> None:
    for pk in Task.objects.filter(schedule=schedule, status__in=OPEN).values_list("pk", flat=True):
        ledger.cancel(pk, reason="replaced by a later occurrence, for overlap is replace", now=now)


def _task(
    schedule: Schedule, status: Status, now: datetime, woken_by: str, due_at: datetime | None, reason: str
) -> Task:
    return Task(
        schedule=schedule,
        name=schedule.name,
        description=schedule.description,
        job=schedule.job,
        parameters=schedule.parameters,
        due_at=due_at,
        woken_by=woken_by,
        status=status,
        reason=reason,
        executor=schedule.runs_on,
        host=schedule.host if executor(schedule.runs_on).in_process else "",
        send_at=now + HAND_OVER if status == Status.QUEUED else None,
        finished_at=now if status in {Status.SKIPPED, Status.MISSED} else None,
    )
