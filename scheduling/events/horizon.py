"""Which events a reader of the log has seen, although events may appear in another order than their ids. Pure.

PostgreSQL assigns an id when a row is written, and shows the row when its transaction commits. So a missing id belongs
to a transaction that was rolled back, or to one that is still open and will fill the gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain


@dataclass(frozen=True, slots=True)
class Horizon:
    """All ids up to `high` were seen, except the `gaps`.

    `gaps` maps each missing id to a transaction number. When all transactions with smaller numbers have ended, the id
    will never appear.
    """

    high: int
    gaps: Mapping[int, int] = field(default_factory=dict)

    @property
    def position(self) -> int:
        """All ids up to this one were seen, or will never appear."""
        return min(self.gaps, default=self.high + 1) - 1

    def holds(self, event_id: int) -> bool:
        """Whether the horizon includes the id: it is not above `high`, and it is not a gap."""
        return event_id <= self.high and event_id not in self.gaps

    def without_ended(self, oldest_open: int) -> Horizon:
        """The horizon with only the gaps that may still be filled; `oldest_open` numbers the oldest open transaction.

        The caller must first read `oldest_open`, then look for the ids of the gaps without finding them.
        """
        return Horizon(self.high, {missing: number for missing, number in self.gaps.items() if number > oldest_open})

    def missing(self, seen: Sequence[int]) -> Iterator[int]:
        """The ids above `high` and below the last of `seen` (ascending) that are not in `seen`."""
        new = [event_id for event_id in seen if event_id > self.high]
        ends = chain([self.high], new)
        return chain.from_iterable(range(end + 1, begin) for end, begin in zip(ends, new, strict=False))

    def after(self, seen: Sequence[int], *, next_transaction: int) -> Horizon:
        """The horizon after the ids `seen` (ascending); `next_transaction` is above all transaction numbers so far."""
        seen_now = set(seen)
        gaps = {missing: number for missing, number in self.gaps.items() if missing not in seen_now}
        gaps |= dict.fromkeys(self.missing(seen), next_transaction)
        return Horizon(max([self.high, *seen[-1:]]), gaps)


def positions(seen: Sequence[int], reached: Horizon) -> list[int]:
    """For each id in `seen` (ascending): the position of a reader that has handled this id and all ids before it.

    `reached` is the horizon after `seen`. A reader that resumes at its position misses no event. It may get an event
    twice if the id lies above a gap.
    """
    ends = [following - 1 for following in seen[1:]] + [reached.high]
    return [min(end, reached.position) for _, end in zip(seen, ends, strict=False)]
