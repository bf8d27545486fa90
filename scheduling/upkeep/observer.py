"""Who has fallen silent, as one process sees it.

No two clocks are compared. An observer remembers the signs of life that it saw itself, and counts by its own monotonic
clock for how long there is no new one; and it counts only time in which it could read and write the database itself. So
a process that lives does not look silent because of a wrong clock, a machine that slept, or a database that stalled.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, TypeVar

from scheduling import processes

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Sighting:
    """The sign of life that an observer saw last, and for how many seconds there was no other."""

    sign: Hashable
    silent: float = 0.0


class Observer(Generic[Key]):
    """Remembers what it saw. `look` is pure: signs of life in, those that are silent out.

    Silent means: no new sign for `silent_after`. The time between two looks counts up to `longest_gap`: a longer one is
    a stall of the observer or of the database.
    """

    def __init__(self, *, silent_after: timedelta, longest_gap: timedelta) -> None:
        self._silent_after = silent_after.total_seconds()
        self._longest_gap = longest_gap.total_seconds()
        # If its own pulse did not move for longer than this, the observer could not write. That time says nothing about
        # the others, so it does not count.
        self._most_pending = max(longest_gap, processes.PULSE_EVERY).total_seconds()
        self._sightings: dict[Key, Sighting] = {}
        self._looked: float | None = None
        self._own: int | None = None
        self._pending = 0.0

    def look(self, signs: Mapping[Key, Hashable], *, own: int | None, moment: float) -> list[Key]:
        """Take in the last sign of life of each, and say who is silent. None is no sign at all.

        `own` is the pulse of the observer's own process: only when that moves, the observer could write, and so could
        the others. `moment` is the observer's monotonic clock, in seconds.
        """
        counted = self._counted(own, moment)
        seen: dict[Key, Sighting] = {}
        for key, sign in signs.items():
            before = self._sightings.get(key)
            if before is None or before.sign != sign:
                seen[key] = Sighting(sign)
            else:
                seen[key] = replace(before, silent=before.silent + counted)
        self._sightings = seen
        return [key for key, sighting in seen.items() if sighting.silent >= self._silent_after]

    def _counted(self, own: int | None, moment: float) -> float:
        """The seconds since the last look that count: none until the observer's own pulse has moved."""
        if self._looked is not None:
            self._pending += min(moment - self._looked, self._longest_gap)
        self._looked = moment
        if own is None or own == self._own:
            self._pending = min(self._pending, self._most_pending)
            return 0.0
        counted, self._pending = self._pending, 0.0
        self._own = own
        return counted
