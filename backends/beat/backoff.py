"""BackoffRunner of a loop that must go on: one that fails waits longer each time, while the others keep their turn."""

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
# So long after the database or broker is back, at the most, Beat is back as well.
LONGEST_BACKOFF: Final = 5.0


class BackoffRunner:
    """Runs named steps. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._backoffs: dict[str, float] = {}
        self._resume_at: dict[str, float] = {}

    def run(self, what: str, step: Callable[[], float], *, every: float = 0.0) -> float:
        """Run `step` unless it is too early for it: less than `every` seconds after the last time, or after trouble.

        Returns the seconds until it wants to run again: its own answer, or what is left of the wait. Never raises:
        trouble is logged, and the step waits, twice as long each time, up to LONGEST_BACKOFF.
        """
        wait = self._resume_at.get(what, 0.0) - self._clock()
        if wait > 0:
            return wait
        try:
            wait = step()
        except Exception as exc:  # noqa: BLE001 - whatever it is, the loop and its other steps go on
            return self._trouble(what, exc)
        self._backoffs.pop(what, None)
        self._resume_at[what] = self._clock() + every
        return wait

    def _trouble(self, what: str, exc: Exception) -> float:
        wait = self._backoffs.get(what, FIRST_BACKOFF)
        self._backoffs[what] = min(2 * wait, LONGEST_BACKOFF)
        self._resume_at[what] = self._clock() + wait
        away = isinstance(exc, DatabaseError | InterfaceError | OperationalError | OSError)
        log.error("%s: %s; again in %.0f s", what, exc, wait, exc_info=None if away else exc)
        if isinstance(exc, DatabaseError | InterfaceError):
            # Nobody knows what state it is in.
            connection.close()
        return wait
