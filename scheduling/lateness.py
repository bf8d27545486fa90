"""How late occurrences were started, as a histogram. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Seconds up to which a bucket counts. One more bucket counts what was later than the last bound.
BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)


def bucket_of(seconds: float) -> int:
    """The number of the bucket that counts something so late, from 0; len(BOUNDS) beyond the last bound."""
    return bisect_left(BOUNDS, seconds)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many occurrences each bucket counts, in the order of BOUNDS, and those beyond the last bound."""

    counts: tuple[int, ...]

    @staticmethod
    def of(counts: Mapping[int, int]) -> Histogram:
        """From the numbers of buckets, of which some may be missing."""
        return Histogram(tuple(counts.get(number, 0) for number in range(len(BOUNDS) + 1)))

    @property
    def total(self) -> int:
        """How many there are in all."""
        return sum(self.counts)

    def at_most(self, share: float) -> float | None:
        """The bound in seconds that at least this share (0 to 1) of them keeps to. None where there is no such bound:
        they are later than the last one, or there are none.
        """
        seen = 0
        for bound, count in zip(BOUNDS, self.counts, strict=False):
            seen += count
            if seen and seen >= share * self.total:
                return bound
        return None
