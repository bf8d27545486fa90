"""The moves of a task from status to status.

Each move is one conditional UPDATE and one event, in one transaction. When two callers try the same move, one of them
makes it, and the call of the other changes nothing. Whether a task may start is decided by `claim` (claims.py).
"""

from __future__ import annotations

from scheduling.ledger.attempts import (
    MOST_ERROR_CHARACTERS,
    Ended,
    attempt_state,
    complete,
    fail,
    lose,
    progress,
    schedule_retry,
    stopped,
)
from scheduling.ledger.batches import ask_all_to_stop, cancel_unclaimed, queue_waiting, record, retry_all
from scheduling.ledger.claims import claim
from scheduling.ledger.handing_over import (
    MOST_DOUBLINGS,
    MOST_SENDS,
    SEND_AGAIN,
    UNCLAIMED_AFTER,
    hold,
    send_again_after,
    sent,
)
from scheduling.ledger.moves import EXPIRED, append, ask_to_stop, cancel, retry
from scheduling.ledger.occurrences import COPIED, DecidedOccurrence, record_occurrences
from scheduling.ledger.places import forget_unused_limits, give_places, places_of, waited_for

__all__ = [
    "COPIED",
    "EXPIRED",
    "MOST_DOUBLINGS",
    "MOST_ERROR_CHARACTERS",
    "MOST_SENDS",
    "SEND_AGAIN",
    "UNCLAIMED_AFTER",
    "DecidedOccurrence",
    "Ended",
    "append",
    "ask_all_to_stop",
    "ask_to_stop",
    "attempt_state",
    "cancel",
    "cancel_unclaimed",
    "claim",
    "complete",
    "fail",
    "forget_unused_limits",
    "give_places",
    "hold",
    "lose",
    "places_of",
    "progress",
    "queue_waiting",
    "record",
    "record_occurrences",
    "retry",
    "retry_all",
    "schedule_retry",
    "send_again_after",
    "sent",
    "stopped",
    "waited_for",
]
