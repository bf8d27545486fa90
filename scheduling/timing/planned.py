"""A trigger whose next occurrence was worked out with other time zone data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from scheduling.timing.cron import Cron


@dataclass(frozen=True, slots=True)
class Planned:
    """`cron`, except that `first` is its first occurrence, as it was planned; those after it are those of `cron`.

    Both methods do what those of Cron do.
    """

    cron: Cron
    first: datetime

    def occurrences(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """The instants strictly after `after`, up to and including `until`, ascending."""
        if after < self.first and (until is None or self.first <= until):
            yield self.first
        yield from self.cron.occurrences(max(after, self.first), until)

    def next(self, after: datetime) -> datetime | None:
        """The first occurrence strictly after `after`."""
        return next(self.occurrences(after), None)
