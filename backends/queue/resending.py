"""Handing everything over again: what a new broker has to be told of an old one's tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scheduling import delivery
from scheduling.lifecycle import WAITING, Status
from scheduling.models import Task


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tasks wait for a time or another task, are queued, are queued and not handed over, and run."""

    waiting: int
    queued: int
    never_sent: int
    running: int


def counts(executor: str) -> Counts:
    """As the ledger has the tasks of the executor."""
    tasks = Task.objects.filter(executor=executor)
    queued = tasks.filter(status=Status.QUEUED)
    return Counts(
        waiting=tasks.filter(status__in=WAITING).count(),
        queued=queued.count(),
        never_sent=queued.filter(sends=0).count(),
        running=tasks.filter(status=Status.RUNNING).count(),
    )


def resend(executor: str, *, now: Callable[[], datetime]) -> tuple[int, str]:
    """Hand over every queued task of the executor, as if for the first time, whoever had it before.

    Returns how many were handed over here, and why some were not ('' when all were). Any number of processes may do
    so at once: they share the tasks. A task that is handed over twice is still claimed once.
    """
    Task.objects.filter(executor=executor, status=Status.QUEUED).update(send_at=now(), sends=0)
    handed_over = 0
    while left := delivery.take_unclaimed(now=now()):
        error = delivery.submit(left, now=now())
        if error:
            return handed_over, error
        handed_over += len(left)
    return handed_over, ""
