"""The statuses of a task and every move between them. Pure; see docs/lifecycle.md for the picture.

    SCHEDULED -> QUEUED -> RUNNING -> COMPLETED
        |          |          |-----> RETRYING -> QUEUED ...
        |          |          |-----> FAILED
        +----------+----------+-----> CANCELLED

SKIPPED and MISSED are occurrences that policy did not run: rows that are born finished. A person may ask for another
attempt at what failed or was not run: it is QUEUED again.
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
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.CANCELLED: frozenset({Status.QUEUED}),
    Status.SKIPPED: frozenset({Status.QUEUED}),
    Status.MISSED: frozenset({Status.QUEUED}),
}

OPEN: Final = frozenset({Status.SCHEDULED, Status.QUEUED, Status.RUNNING, Status.RETRYING})
FINISHED: Final = frozenset(Status) - OPEN
# Waiting for a time, for a predecessor, or for another attempt.
WAITING: Final = frozenset({Status.SCHEDULED, Status.RETRYING})
# What a person may ask another attempt at.
RETRYABLE: Final = frozenset({status for status in FINISHED if Status.QUEUED in MOVES[status]})


def sources(to: Status) -> frozenset[Status]:
    """The statuses from which a task may move to `to`."""
    return frozenset(status for status, moves in MOVES.items() if to in moves)
