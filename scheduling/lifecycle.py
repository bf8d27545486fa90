"""The statuses of a task and every move between them. Pure; see docs/lifecycle.md for the picture.

    SCHEDULED -> QUEUED -> RUNNING -> COMPLETED
        |          |          |-----> RETRYING -> QUEUED ...
        |          |          |-----> FAILED
        +----------+----------+-----> CANCELLED

SKIPPED and MISSED are occurrences that policy did not run: rows that are born finished.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where a task stands."""

    SCHEDULED = "SCHEDULED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    MISSED = "MISSED"


MOVES: Final[dict[Status, frozenset[Status]]] = {
    Status.SCHEDULED: frozenset({Status.QUEUED, Status.CANCELLED}),
    Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.COMPLETED, Status.FAILED, Status.RETRYING, Status.CANCELLED}),
    Status.RETRYING: frozenset({Status.QUEUED, Status.CANCELLED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.SKIPPED: frozenset(),
    Status.MISSED: frozenset(),
}

OPEN: Final = frozenset(status for status, moves in MOVES.items() if moves)
FINISHED: Final = frozenset(Status) - OPEN


def sources(to: Status) -> frozenset[Status]:
    """The statuses from which a task may move to `to`."""
    return frozenset(status for status, moves in MOVES.items() if to in moves)
