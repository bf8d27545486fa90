"""How all queued tasks are handed over again: to a new broker, which does not have the messages of the old one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scheduling import delivery
from scheduling.lifecycle import WAITING, Status
from scheduling.models import Task


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """How many tasks wait for a time or another task, are queued, are queued but not handed over, and run."""

    waiting: int
    queued: int
    never_sent: int
    running: int


def counts(executor: str) -> TaskCounts:
    """The counts of the executor's tasks in the ledger."""
    tasks = Task.objects.filter(executor=executor)
    queued = tasks.filter(status=Status.QUEUED)
    return TaskCounts(
        waiting=tasks.filter(status__in=WAITING).count(),
        queued=queued.count(),
        never_sent=queued.filter(sends=0).count(),
        running=tasks.filter(status=Status.RUNNING).count(),
    )


def resend(executor: str, *, now: Callable[[], datetime]) -> tuple[int, str]:
    """Hand over every queued task of the executor, as if for the first time.

    Returns how many tasks were handed over, and why the others were not ('' if there are no others). Several processes
    may call this at the same time: they share the tasks. A task that is handed over twice is claimed once.
    """
    Task.objects.filter(executor=executor, status=Status.QUEUED).update(send_at=now(), sends=0)
    handed_over = 0
    while batch := delivery.take_unclaimed(now=now()):
        error = delivery.submit(batch, now=now())
        if error:
            return handed_over, error
        handed_over += len(batch)
    return handed_over, ""
