"""How a loop goes on when one of its steps fails: that step waits, longer each time, and the others run as before."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError, InterfaceError, connection
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

# Seconds until a step that failed is tried again; then twice as long each time.
FIRST_BACKOFF: Final = 1.0
# Beat is back at most this long after the database or the broker.
LONGEST_BACKOFF: Final = 5.0


class BackoffRunner:
    """Runs named steps, and makes a step wait after it failed. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._backoffs: dict[str, float] = {}
        self._resume_at: dict[str, float] = {}

    def run(self, what: str, step: Callable[[], float], *, every: float = 0.0) -> float:
        """Run `step`, unless it ran less than `every` seconds ago or still waits after an error.

        Returns the seconds until the step wants to run again: what `step` returned, or the rest of the wait. Never
        raises: an error is logged, and the step waits FIRST_BACKOFF seconds. Each further error in a row doubles the
        wait, up to LONGEST_BACKOFF.
        """
        wait = self._resume_at.get(what, 0.0) - self._clock()
        if wait > 0:
            return wait
        try:
            wait = step()
        except Exception as exc:  # noqa: BLE001 - no error of one step may end the loop and its other steps
            return self._failed(what, exc)
        self._backoffs.pop(what, None)
        self._resume_at[what] = self._clock() + every
        return wait

    def _failed(self, what: str, exc: Exception) -> float:
        wait = self._backoffs.get(what, FIRST_BACKOFF)
        self._backoffs[what] = min(2 * wait, LONGEST_BACKOFF)
        self._resume_at[what] = self._clock() + wait
        away = isinstance(exc, DatabaseError | InterfaceError | OperationalError | OSError)
        log.error("%s failed: %s; trying again in %.0f s", what, exc, wait, exc_info=None if away else exc)
        if isinstance(exc, DatabaseError | InterfaceError):
            # Nobody knows what state it is in.
            connection.close()
        return wait
