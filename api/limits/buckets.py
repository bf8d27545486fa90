"""How many requests a minute may somebody send? A token bucket for each, in the memory of this process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

# Whoever has been silent for longest is forgotten beyond this: a flood of addresses must not fill the memory.
MOST_KEYS: Final = 10_000


class Buckets:
    """Everybody has a bucket that holds a minute's requests, and fills up evenly. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # What is left of the bucket, and when that was so.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, a_minute: int) -> float:
        """Take one request out. 0.0 if there was one, else the seconds until there is."""
        now = self._clock()
        with self._lock:
            left, then = self._left.pop(key, (float(a_minute), now))
            left = min(float(a_minute), left + (now - then) * a_minute / 60)
            taken = left >= 1
            self._left[key] = (left - 1 if taken else left, now)
            if len(self._left) > MOST_KEYS:
                self._left.popitem(last=False)
        return 0.0 if taken else (1 - left) * 60 / a_minute
