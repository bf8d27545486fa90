"""Which stretch of time a timeline shows, as its address says it, and where an instant is in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from django.http import QueryDict

from scheduling.timing.dst import stretches
from scheduling.timing.instants import instant
from scheduling.timing.zones import Zone

# The spans that can be asked for: their names on the page, their lengths, and the distance of the ticks.
SPANS: Final = {
    "day": ("24 hours", timedelta(hours=24), timedelta(hours=3)),
    "week": ("7 days", timedelta(days=7), timedelta(days=1)),
    "month": ("A month", timedelta(days=30), timedelta(days=5)),
}
# Units of the picture across.
WIDTH: Final = 1000
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end` (UTC, whole hours)."""

    span: str
    start: datetime
    end: datetime

    @property
    def earlier(self) -> str:
        """The value of `from` for the window before, which overlaps this one by half."""
        return _text(self.start - (self.end - self.start) / 2)

    @property
    def later(self) -> str:
        """As `earlier`, for the one after."""
        return _text(self.start + (self.end - self.start) / 2)

    def x(self, at: datetime) -> float:
        """Where an instant is in the picture, from 0 to WIDTH; one outside is at its edge."""
        share = (at - self.start) / (self.end - self.start)
        return round(min(max(share, 0.0), 1.0) * WIDTH, 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Where the axis has a label, and which."""
        step = SPANS[self.span][2]
        first = self.start.replace(hour=0)
        times = (first + number * step for number in range(2 * WIDTH))
        shown = []
        for at in times:
            if at >= self.end:
                break
            if at >= self.start:
                shown.append((self.x(at), f"{at:%H:%M}" if step < _DAY and at.hour else f"{at:%a %d %b}"))
        return shown


@dataclass(frozen=True, slots=True)
class ClockChange:
    """An instant at which the clocks of a zone change."""

    at: datetime
    x: float
    zone: str
    forward: bool


def window(parameters: QueryDict, now: datetime) -> Window:
    """What `span` and `from` ask for; a day around now where they are not known."""
    span = parameters.get("span", "")
    span = span if span in SPANS else "day"
    length = SPANS[span][1]
    start = _given(parameters.get("from", "")) or now - length / 2
    start = start.replace(minute=0, second=0, microsecond=0)
    if length > _DAY:
        start = start.replace(hour=0)
    return Window(span, start, start + length)


def clock_changes(shown: Window, zones: Iterable[Zone]) -> list[ClockChange]:
    """The clock changes of these zones inside of the window, in order."""
    found = {
        ClockChange(at, shown.x(at), zone.key, after.offset > before.offset)
        for zone in zones
        for year in {shown.start.year, shown.end.year}
        for before, after in pairwise(stretches(zone, year))
        if before.offset != after.offset and shown.start <= (at := instant(after.begin)) < shown.end
    }
    return sorted(found, key=lambda change: (change.at, change.zone))


def _given(text: str) -> datetime | None:
    """A UTC time from the address. The years are those in which every zone has local times."""
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if 1970 < at.year < 9998 else None


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")
