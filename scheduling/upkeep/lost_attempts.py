"""Attempts whose process is gone: it has certainly ended, or its pulse has stood still for too long (`Observer`)."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db import transaction

from scheduling import ledger, processes
from scheduling.lifecycle import Status
from scheduling.models import Process, Task
from scheduling.upkeep.observer import Observer

log = logging.getLogger(__name__)

# Attempts that one call gives up at most; the next call gives up the others.
BATCH: Final = 500
# An attempt is lost when the pulse of its process stood still for so long: four pulses.
LOST_AFTER: Final = 4 * processes.PULSE_EVERY
# The time between two looks counts up to this much: a longer one is a stall of the observer or of the database.
LONGEST_GAP: Final = processes.PULSE_EVERY / 2

# A task, its attempt, and the process that runs it.
Attempt = tuple[int, int, str]


_observer: Observer[Attempt] = Observer(silent_after=LOST_AFTER, longest_gap=LONGEST_GAP)


def lose_silent(*, now: datetime) -> None:
    """Give up the attempts whose processes have certainly ended, or have been silent for LOST_AFTER of our own time."""
    lose_gone(now=now)
    rows = Task.objects.filter(status=Status.RUNNING).values_list("pk", "attempt", "process")
    pulses = dict(Process.objects.values_list("key", "pulse"))
    running = {row: pulses.get(row[2]) for row in rows}
    own = pulses.get(processes.identity())
    for task_id, attempt, process in _observer.look(running, own=own, moment=time.monotonic()):
        error = f"Its process has not been heard of for {LOST_AFTER // timedelta(seconds=1)} seconds."
        with transaction.atomic():
            # Whoever moved its pulse since we looked is alive.
            moved = Process.objects.filter(key=process).exclude(pulse=pulses.get(process, -1))
            if not moved.exists():
                _lose(task_id, attempt, error, now)


def lose_gone(*, now: datetime) -> None:
    """Give up the attempts whose processes ran on this machine and have ended."""
    rows = Task.objects.filter(status=Status.RUNNING).values_list("pk", "attempt", "process")
    gone = (row for row in rows if processes.is_gone(row[2]))
    for task_id, attempt, _ in islice(gone, BATCH):
        _lose(task_id, attempt, "Its process has ended.", now)


def _lose(task_id: int, attempt: int, error: str, now: datetime) -> None:
    task = Task.objects.filter(pk=task_id, attempt=attempt, status=Status.RUNNING).first()
    if task is not None and ledger.lose(task, error=error, now=now):
        log.error("task %d attempt %d is lost: %s", task_id, attempt, error)
