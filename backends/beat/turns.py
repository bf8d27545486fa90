"""What does the next batch of a beat take: all that is due, or only what has just become due? And how many of them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scheduling import delivery

# Schedules in a batch of what has just become due, while there is a backlog.
NEW: Final = 250
# Schedules in a batch of a backlog beside which others become due: these wait for one. Smaller ones cost more for each.
BACKLOG: Final = 150


@dataclass(slots=True)
class Turns:
    """Takes what is due, the oldest first. From a backlog and from what has become due since, it takes by turns.

    A backlog beside which nothing becomes due is taken in whole batches (delivery.BATCH): these cost least.
    """

    # The next batch takes only what has become due later than this; None: all.
    after: datetime | None = None
    # Up to when all that is due was in the backlog, or was taken. None where there is no backlog.
    _seen: datetime | None = None
    _others: bool = False

    @property
    def most(self) -> int:
        """How many schedules the next batch takes at most."""
        if self.after is not None:
            return NEW
        return BACKLOG if self._others else delivery.BATCH

    def note(self, due: Sequence[datetime], now: datetime) -> bool:
        """Take note of when the schedules of a batch were due, which was taken at `now`.

        Returns whether there may be more.
        """
        is_full = len(due) >= self.most
        if self.after is None:
            self._seen = (self._seen or now) if is_full else None
            # Once something has become due beside a backlog, more may, until the backlog is done.
            self._others = self._others and is_full
            self.after = self._seen
            return is_full
        self._others = self._others or bool(due)
        # Of a full batch the rest has its turn after the next one of the backlog.
        self._seen = self.after if is_full else now
        self.after = None
        return True
