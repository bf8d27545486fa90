"""What does the next batch of a beat take: what has been due longest, or what became due last? And how many of them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scheduling import delivery

# Schedules in a batch of those that became due last. What is due now waits for such a batch, so it is small.
NEWEST: Final = 100
# Schedules in a batch of a backlog beside which others become due: these wait for one. Smaller ones cost more for each.
BACKLOG: Final = 250


@dataclass(slots=True)
class Turns:
    """Takes what has been due longest and what has become due last by turns: neither waits behind the other.

    A backlog of one instant, with nothing else due, is taken in whole batches (delivery.BATCH): these cost least.
    """

    newest_first: bool = False
    _others: bool = False

    @property
    def most(self) -> int:
        """How many schedules the next batch takes at most."""
        if self.newest_first:
            return NEWEST
        return BACKLOG if self._others else delivery.BATCH

    def note(self, due: Sequence[datetime]) -> bool:
        """Take note of when the schedules of a batch were due. Returns whether there may be more."""
        is_full = len(due) >= self.most
        # Once something has become due beside a backlog, more may, until the backlog is done.
        self._others = is_full and (self._others or (self.newest_first and due[0] != due[-1]))
        self.newest_first = not self.newest_first
        return is_full
