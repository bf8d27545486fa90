"""Attempts whose process is gone: it has certainly ended, or its pulse has stood still for too long.

No two clocks are compared. An observer remembers the pulses that it saw itself, and counts by its own monotonic clock
how long one stands still; and it counts only time in which it could read and write the database itself. So neither a
clock that is wrong, nor a machine that slept, nor a database that stalled makes a living attempt look lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db import transaction

from scheduling import ledger, processes
from scheduling.lifecycle import Status
from scheduling.models import Process, Task

log = logging.getLogger(__name__)

# Attempts that one call gives up for certain; the next call gives up the others.
BATCH: Final = 500
# An attempt is lost when the pulse of its process stood still for so long: four pulses.
LOST_AFTER: Final = 4 * processes.PULSE_EVERY
# Of the time between two looks so much counts at the most: what is longer is a stall, of the observer or the database.
LONGEST_GAP: Final = processes.PULSE_EVERY / 2

# A task, its attempt, and the process that runs it.
Attempt = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What an observer knows of an attempt: the pulse it saw last, and for how many seconds that has stood still."""

    pulse: int | None
    silent: float = 0.0


class Observer:
    """Remembers what it saw of the running attempts. `look` is pure: pulses in, the attempts that are lost out."""

    def __init__(self) -> None:
        self._sightings: dict[Attempt, Sighting] = {}
        self._looked: float | None = None
        self._own: int | None = None
        self._pending = 0.0

    def look(self, running: Mapping[Attempt, int | None], *, own: int | None, moment: float) -> list[Attempt]:
        """Take in the pulse of each running attempt's process (None: it has none), and say which are lost.

        `own` is the pulse of the observer's own process: only when that moves, the observer could write, and so could
        the others. `moment` is the observer's monotonic clock, in seconds.
        """
        counted = self._counted(own, moment)
        seen: dict[Attempt, Sighting] = {}
        for attempt, pulse in running.items():
            before = self._sightings.get(attempt)
            if before is None or before.pulse != pulse:
                seen[attempt] = Sighting(pulse)
            else:
                seen[attempt] = replace(before, silent=before.silent + counted)
        self._sightings = seen
        return [attempt for attempt, sighting in seen.items() if sighting.silent >= LOST_AFTER.total_seconds()]

    def _counted(self, own: int | None, moment: float) -> float:
        """The seconds since the last look that count: none until the observer's own pulse has moved."""
        if self._looked is not None:
            self._pending += min(moment - self._looked, LONGEST_GAP.total_seconds())
        self._looked = moment
        if own is None or own == self._own:
            # What it waits for longer than two pulses, it could not write: that time says nothing about the others.
            self._pending = min(self._pending, 2 * LONGEST_GAP.total_seconds())
            return 0.0
        counted, self._pending = self._pending, 0.0
        self._own = own
        return counted


_observer = Observer()


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
    rows = Task.objects.filter(status=Status.RUNNING).exclude(process="")
    gone = (row for row in rows.values_list("pk", "attempt", "process") if processes.is_gone(row[2]))
    for task_id, attempt, _ in islice(gone, BATCH):
        _lose(task_id, attempt, "Its process has ended.", now)


def _lose(task_id: int, attempt: int, error: str, now: datetime) -> None:
    task = Task.objects.filter(pk=task_id, attempt=attempt, status=Status.RUNNING).first()
    if task is not None and ledger.lose(task, error=error, now=now):
        log.error("task %d attempt %d is lost: %s", task_id, attempt, error)
