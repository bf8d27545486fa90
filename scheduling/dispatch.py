"""From wake-ups to tasks: what is due becomes rows, rows are handed to executors; and the upkeep that forgets
nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from scheduling import ledger
from scheduling.errors import NotFound
from scheduling.executor import executor, executor_names
from scheduling.lifecycle import OPEN, WAITING, Status
from scheduling.members import dependencies
from scheduling.models import OnLost, Schedule, Task, Workflow
from scheduling.occurrences import decide
from scheduling.upkeep import vanished

log = logging.getLogger(__name__)

BATCH: Final = 500
# Between its commit and its being handed over a task has this long before upkeep takes it for left behind.
HAND_OVER: Final = timedelta(seconds=5)
# A task that was handed over and not claimed is sent again after this long, then after twice as long, and so on.
SEND_AGAIN: Final = timedelta(minutes=1)
# Executions say that they are alive every HEARTBEAT; one that was silent for LOST_AFTER is lost.
HEARTBEAT: Final = timedelta(seconds=5)
LOST_AFTER: Final = timedelta(seconds=20)
# A task that takes its process down with it is not tried for ever, whatever on_lost says.
LOST_MOST: Final = 3


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
        tasks = decide(due, now=now, woken_by=backend, hand_over=HAND_OVER)
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
        return decide([schedule], now=now, woken_by=woken_by, hand_over=HAND_OVER)


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
    """Queue the task that waited for the one that just finished (overlap `queue`); returns it, not yet handed over.

    A workflow that an occurrence started is part of it: the next one waits for its end.
    """
    if schedule_id is None:
        return []
    waiting = Task.objects.filter(schedule_id=schedule_id, status=Status.SCHEDULED, wait_until=None)
    if not waiting.exists():
        return []
    with transaction.atomic():
        # The schedule's row orders those who release and those who plan.
        Schedule.objects.select_for_update().filter(pk=schedule_id).first()
        busy = Task.objects.filter(schedule_id=schedule_id, status__in=OPEN - {Status.SCHEDULED}).exists()
        busy = busy or Workflow.objects.filter(schedule_id=schedule_id, status=Status.RUNNING).exists()
        first = waiting.order_by("due_at", "pk").values_list("pk", flat=True).first()
        if busy or first is None:
            return []
        return ledger.queue_waiting([first], now=now, hand_over=HAND_OVER)


def released_by(task: Task, *, now: datetime) -> list[Task]:
    """What a task that has just ended lets go: what waited for it in its schedule, or in its workflow.

    They are queued and not yet handed over.
    """
    tasks = release(task.schedule_id, now=now)
    if task.workflow_id is not None:
        tasks += advance(task.workflow_id, task_id=task.pk, now=now)
    return tasks


def advance(workflow_id: int, *, now: datetime, task_id: int | None = None) -> list[Task]:
    """Move a workflow on, after the end of one of its tasks or after whatever was left behind.

    Returns the tasks that this queued, not yet handed over.
    """
    moved = dependencies.advance(workflow_id, now=now, hand_over=HAND_OVER, task_id=task_id)
    tasks = list(moved.released)
    return tasks + release(moved.ended.schedule_id, now=now) if moved.ended else tasks


def queue_due(*, now: datetime) -> int:
    """Queue a batch of the tasks whose time to wait is over, and hand them over. Returns how many there were."""
    with transaction.atomic():
        over = Task.objects.select_for_update(skip_locked=True).filter(status__in=WAITING, wait_until__lte=now)
        ids = [task.pk for task in over.order_by("wait_until")[:BATCH]]
        tasks = ledger.queue_waiting(ids, now=now, hand_over=HAND_OVER)
    submit(elsewhere(tasks), now=now)
    return len(tasks)


def upkeep(*, now: datetime, lose: bool = True) -> None:
    """Mend what a crash left behind: lost attempts, tasks that wait for nothing, tasks that were never handed over.

    With `lose` False attempts are left alone that seem lost: whoever could not reach the database cannot tell.
    """
    if lose:
        lose_silent(now=now)
    cancel_expired(now=now)
    while queue_due(now=now) == BATCH:
        pass
    for workflow_id in dependencies.being_cancelled():
        dependencies.stop_members(workflow_id, now=now)
    for workflow_id in dependencies.unsettled():
        submit(elsewhere(advance(workflow_id, now=now)), now=now)
    waiting = Task.objects.filter(status=Status.SCHEDULED, wait_until=None, schedule__isnull=False)
    for schedule_id in waiting.order_by().values_list("schedule_id", flat=True).distinct()[:BATCH]:
        submit(elsewhere(release(schedule_id, now=now)), now=now)
    vanished.make_due(now=now, again_after=SEND_AGAIN, hand_over=HAND_OVER)
    while left := take_left_behind(now=now):
        if submit(left, now=now) or len(left) < BATCH:
            break


def cancel_expired(*, now: datetime) -> None:
    """Cancel the tasks that did not start before they expired."""
    late = Task.objects.filter(status__in=[*WAITING, Status.QUEUED], expires__lte=now)
    for pk in late.values_list("pk", flat=True)[:BATCH]:
        ledger.cancel(pk, reason="it expired before it could start", now=now, running=False)


def lose_silent(*, now: datetime) -> None:
    """Give up the attempts whose processes have been silent for LOST_AFTER."""
    silent = Task.objects.filter(status=Status.RUNNING, heartbeat_at__lt=now - LOST_AFTER)
    for task in silent[:BATCH]:
        error = f"The process that ran it has not been heard of since {task.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC."
        with transaction.atomic():
            still = Task.objects.select_for_update().filter(pk=task.pk, heartbeat_at=task.heartbeat_at)
            if still.exists() and lose(task, error=error, now=now):
                log.error("task %d attempt %d is lost: silent since %s", task.pk, task.attempt, task.heartbeat_at)


def lose(task: Task, *, error: str, now: datetime) -> bool:
    """End an attempt whose process is gone, as the task's `on_lost` says; False when it has ended already."""
    if task.cancel_asked_at is not None:
        return ledger.stopped(task, reason="asked to stop; its process is gone", now=now)
    if task.on_lost == OnLost.RETRY and task.attempt <= max(LOST_MOST, int(task.retries.get("max", 0))):
        return ledger.retry(task, error=error, wait_until=now, now=now)
    return ledger.fail(task, error=error, now=now)


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
        tasks = list(left.order_by("send_at", "pk")[:BATCH])
        Task.objects.filter(pk__in=[task.pk for task in tasks]).update(send_at=now + HAND_OVER)
    return tasks


def elsewhere(tasks: Iterable[Task]) -> list[Task]:
    """Those that any process may hand over: the others must run in a process of their host, whose agent finds them."""
    return [task for task in tasks if not executor(task.executor).in_process]
