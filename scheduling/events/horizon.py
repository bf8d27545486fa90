"""How far a reader of the event log has come, where events may appear out of the order of their ids. Pure.

PostgreSQL hands out ids when rows are written and shows rows when their transaction commits: an id that is missing
belongs to a transaction that was rolled back, or to one that is still open and will fill the gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain


@dataclass(frozen=True, slots=True)
class Horizon:
    """Every id up to `high` was seen, but for the `gaps`.

    A gap maps a missing id to a transaction number: once all transactions with smaller numbers have ended, the id will
    never be seen.
    """

    high: int
    gaps: Mapping[int, int] = field(default_factory=dict)

    @property
    def position(self) -> int:
        """All ids up to this one have been seen, or will never be."""
        return min(self.gaps, default=self.high + 1) - 1

    def holds(self, event_id: int) -> bool:
        """Whether the id was to be seen up to here."""
        return event_id <= self.high and event_id not in self.gaps

    def without_ended(self, oldest_open: int) -> Horizon:
        """The gaps that may still be filled, when `oldest_open` is the number of the oldest open transaction.

        That number must be older than a look for the gaps that did not find them.
        """
        return Horizon(self.high, {missing: number for missing, number in self.gaps.items() if number > oldest_open})

    def missing(self, seen: Sequence[int]) -> Iterator[int]:
        """The ids that `seen` (ascending) jumps over, as seen from here."""
        new = [event_id for event_id in seen if event_id > self.high]
        ends = chain([self.high], new)
        return chain.from_iterable(range(end + 1, begin) for end, begin in zip(ends, new, strict=False))

    def after(self, seen: Sequence[int], *, next_transaction: int) -> Horizon:
        """The horizon once `seen` (ascending) were seen; `next_transaction` is larger than all numbers given so far."""
        seen_now = set(seen)
        gaps = {missing: number for missing, number in self.gaps.items() if missing not in seen_now}
        gaps |= dict.fromkeys(self.missing(seen), next_transaction)
        return Horizon(max([self.high, *seen[-1:]]), gaps)


def positions(seen: Sequence[int], reached: Horizon) -> list[int]:
    """For each of `seen` (ascending), which led to `reached`: where who has handled it, and all before it, stands.

    Who resumes there misses nothing; what comes twice are ids behind a gap.
    """
    ends = [following - 1 for following in seen[1:]] + [reached.high]
    return [min(end, reached.position) for _, end in zip(seen, ends, strict=False)]
