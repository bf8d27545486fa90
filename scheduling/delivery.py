"""Hands tasks from the ledger to executors, and hands them over again until they are claimed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from scheduling import dry_run, lateness_log, ledger, queues
from scheduling.executor import executor, executor_names
from scheduling.lifecycle import OPEN, WAITING, Status
from scheduling.models import Schedule, Task, Workflow

log = logging.getLogger(__name__)

# One transaction's worth: with more rows, others would wait too long for their locks.
BATCH: Final = 1_000
NOT_IN_A_DRY_RUN: Final = "nothing: in a dry run nothing is handed over"


def hand_over(tasks: Sequence[Task], *, now: datetime) -> str:
    """Hand queued tasks to their executors. Tasks that run in a process of their host are left to the host's agent.

    The agent may take such a task from `now` on. Returns what the tasks that were not handed over wait for, or ''. They
    stay queued, and are handed over later.
    """
    if dry_run.is_on():
        return NOT_IN_A_DRY_RUN if tasks else ""
    for_agents = [task for task in tasks if executor(task.executor).in_process]
    if for_agents:
        Task.objects.filter(pk__in=[task.pk for task in for_agents], status=Status.QUEUED).update(send_at=now)
    error = submit([task for task in tasks if not executor(task.executor).in_process], now=now)
    agents = sorted({f"the agent on {task.host}" for task in for_agents})
    return "; ".join([*agents, *([error] if error else [])])


def answer(waits_for: str, tasks: Iterable[Task]) -> str:
    """What somebody who asked for the tasks is told: `sent`, or what they wait for, and which queues no worker takes.

    `waits_for` is what `hand_over` has returned. A task is never refused because no worker takes its queue: one may be
    started later.
    """
    return "; ".join([waits_for or "sent", *queues.not_taken(tasks)])


def submit(tasks: Sequence[Task], *, now: datetime) -> str:
    """Hand queued tasks to their executors. Tasks of an in-process executor run at once, in this process.

    Returns why some tasks were not handed over, or ''. They stay queued, and are handed over later.
    """
    errors = []
    for name in sorted({task.executor for task in tasks}):
        chosen = [task for task in tasks if task.executor == name]
        if executor(name).in_process:
            # They begin now. All others are as late as they are when the broker has them.
            lateness_log.note(chosen)
        submission = executor(name).submit(chosen)
        if not executor(name).in_process:
            lateness_log.note(submission.handed_over)
        ledger.sent(submission.handed_over, now=now)
        if submission.error:
            log.warning("executor %s took only %d tasks: %s", name, len(submission.handed_over), submission.error)
            errors.append(submission.error)
    return "; ".join(errors)


def queue_due(*, now: datetime) -> int:
    """Queue one batch of the tasks whose waiting time is over, and hand them over. Returns their number.

    Also those that wait for the rate of a limit (QUEUED), with as many others as may start by now.
    """
    with transaction.atomic():
        statuses = [*WAITING, Status.QUEUED]
        due = Task.objects.select_for_update(skip_locked=True).filter(status__in=statuses, wait_until__lte=now)
        found = list(due.order_by("wait_until")[:BATCH])
        tasks = ledger.queue_waiting([task.pk for task in found if task.status in WAITING], now=now)
    limits = {task.waits_for_limit for task in found if task.waits_for_limit}
    tasks += ledger.give_places(limits, now=now)
    hand_over(tasks, now=now)
    return len(tasks)


def release(schedule_id: int | None, *, now: datetime) -> list[Task]:
    """Queue the first task that waits for earlier tasks of its schedule, if all of those have ended.

    Tasks wait so with overlap `queue` and `replace`. Returns a list with that task, not handed over yet, or an empty
    list. A workflow that an occurrence started is part of the occurrence: the next task waits for its end.
    """
    if schedule_id is None:
        return []
    waiting = Task.objects.filter(schedule_id=schedule_id, status=Status.SCHEDULED, wait_until=None)
    if not waiting.exists():
        return []
    with transaction.atomic():
        # With the schedule's row locked, no other process can release or plan tasks of this schedule.
        Schedule.objects.select_for_update().filter(pk=schedule_id).first()
        busy = Task.objects.filter(schedule_id=schedule_id, status__in=OPEN - {Status.SCHEDULED}).exists()
        busy = busy or Workflow.objects.filter(schedule_id=schedule_id, status=Status.RUNNING).exists()
        first = waiting.order_by("due_at", "pk").values_list("pk", flat=True).first()
        if busy or first is None:
            return []
        return ledger.queue_waiting([first], now=now)


def take_unclaimed(*, now: datetime, host: str | None = None) -> list[Task]:
    """Take one batch of queued tasks that should have been claimed by now.

    No other caller gets them for `ledger.UNCLAIMED_AFTER`. Without `host`: tasks that any process can hand over. With
    `host`: tasks that must run in a process on that host.
    """
    with transaction.atomic():
        late = Task.objects.select_for_update(skip_locked=True).filter(status=Status.QUEUED, send_at__lte=now)
        names = [name for name in executor_names() if executor(name).in_process == (host is not None)]
        late = late.filter(executor__in=names)
        if host is not None:
            late = late.filter(host=host)
        tasks = list(late.order_by("send_at", "pk")[:BATCH])
        Task.objects.filter(pk__in=[task.pk for task in tasks]).update(send_at=now + ledger.UNCLAIMED_AFTER)
    return tasks
