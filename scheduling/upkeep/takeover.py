"""What becomes of the tasks of a host that is lost: `on_host_lost` of their schedule says it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import cycle
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F

from scheduling import ledger, processes
from scheduling.executor import executor, executor_names
from scheduling.lifecycle import Status
from scheduling.models import CatchUp, OnHostLost, Schedule, Task
from scheduling.upkeep import silent_hosts

log = logging.getLogger(__name__)

# One round's worth; the next round takes the rest.
BATCH: Final = 500


def take_over(*, now: datetime) -> None:
    """Give the unclaimed tasks of lost hosts to a worker or to another host, or let them wait and expire."""
    names = [name for name in executor_names() if executor(name).in_process]
    theirs = Task.objects.filter(status=Status.QUEUED, executor__in=names, send_at__lte=now, schedule__isnull=False)
    theirs = theirs.exclude(host=settings.TANDEM_HOST)
    if not theirs.exists():
        return
    lost = silent_hosts.look()
    tasks = list(theirs.filter(host__in=lost).select_related("schedule").order_by("send_at", "pk")[:BATCH])
    others = cycle(_living(lost)) if tasks and _living(lost) else None
    for task in tasks:
        # The schedule may have been deleted.
        policy = task.schedule.on_host_lost if task.schedule is not None else OnHostLost.WAIT
        if policy == OnHostLost.WORKER:
            _give(task, executor_name=_of_workers(), host="", now=now)
        elif policy == OnHostLost.ANY_HOST and others is not None:
            _give(task, executor_name=task.executor, host=next(others), now=now)
        elif task.expires is None and task.schedule is not None and task.due_at is not None:
            _let_expire(task, task.schedule, task.due_at, now)


def _living(lost: set[str]) -> Sequence[str]:
    """The hosts with an agent that lives."""
    agents = processes.alive_now().filter(kind="agent").exclude(host__in=lost)
    return sorted(set(agents.values_list("host", flat=True)))


def _of_workers() -> str:
    """The executor that takes tasks to any worker."""
    return next(name for name in executor_names() if not executor(name).in_process)


def _give(task: Task, *, executor_name: str, host: str, now: datetime) -> None:
    """Have an unclaimed task run elsewhere. Its attempt stays the same, so that only one process can claim it."""
    reason = f"taken over from {task.host}, which is lost"
    with transaction.atomic():
        unclaimed = Task.objects.filter(pk=task.pk, status=Status.QUEUED, attempt=task.attempt, host=task.host)
        changes = {"executor": executor_name, "host": host, "reason": reason, "send_at": now, "sends": 0}
        if not unclaimed.update(events=F("events") + 1, expires=None, **changes):
            return
        ledger.append(task.pk, Status.QUEUED, now, {"reason": reason, "executor": executor_name, "host": host})
    log.warning("task %d is %s, by %s", task.pk, reason, host or executor_name)


def _let_expire(task: Task, schedule: Schedule, due_at: datetime, now: datetime) -> None:
    """It waits for its host as long as it would be caught up; at least for its grace."""
    window = schedule.catch_up_window if schedule.catch_up != CatchUp.NONE else timedelta(0)
    expires = max(due_at + window, now + schedule.grace)
    Task.objects.filter(pk=task.pk, status=Status.QUEUED, expires=None).update(expires=expires)
