"""The statuses of a task and every move between them. Pure; see docs/lifecycle.md for the picture.

    SCHEDULED -> QUEUED -> RUNNING -> COMPLETED
        |          |          |-----> RETRYING -> QUEUED ...
        |          |          |-----> FAILED
        +----------+----------+-----> CANCELLED

SKIPPED and MISSED are occurrences that the schedule's policy does not run: their rows are finished from the start. A
person may retry a task that is FAILED, CANCELLED, SKIPPED or MISSED: the task is QUEUED again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """The status of a task."""

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
# The task waits for a time, for an earlier task, or for its next attempt.
WAITING: Final = frozenset({Status.SCHEDULED, Status.RETRYING})
# A person may retry a task in one of these statuses.
RETRYABLE: Final = frozenset({status for status in FINISHED if Status.QUEUED in MOVES[status]})


def sources(to: Status) -> frozenset[Status]:
    """The statuses from which a task may move to `to`."""
    return frozenset(status for status, moves in MOVES.items() if to in moves)
