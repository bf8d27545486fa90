"""Which stored schedules, or which lines of a report, are due in the same minute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from scheduling.review.stored_triggers import StoredTriggers
from scheduling.timing import Cron, Trigger
from scheduling.timing.warnings import ReviewWarning
from scheduling.timing.zones import Zone

MANY: Final = 10
"""There is a warning when this many others are due in the same minute."""
# One for each process.
_STORED: Final = StoredTriggers()
# Of the coming occurrences, how many are compared with those of stored schedules.
_MOST_INSTANTS: Final = 3
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
# The busiest ones; a longer list is not read.
_SHOWN_MINUTES: Final = 20
# Line numbers of one minute that are named; its count is of all.
_SHOWN_LINES: Final = 20
# The limit for one report. Ten thousand lines that run every minute have 14 million occurrences in a day.
_MOST_OCCURRENCES: Final = 500_000


def same_minute(following: Iterable[datetime], stored: StoredTriggers = _STORED) -> list[ReviewWarning]:
    """A warning when many stored schedules are due in the same minute as one of the first three of these instants.

    Checks active schedules only, as StoredTriggers counts them.
    """
    minutes = [at.replace(second=0, microsecond=0) for at in islice(following, _MOST_INSTANTS)]
    counts = stored.due_in(minutes)
    worst = max(counts, default=0)
    return [_same_minute(worst, minutes[counts.index(worst)])] if worst >= MANY else []


def due_by_step(start: datetime, *, step: timedelta, number: int, stored: StoredTriggers = _STORED) -> list[int]:
    """How many occurrences all active schedules have in each step from `start` on, as StoredTriggers counts them."""
    return stored.due_by_step(start, step=step, number=number)


def zones_in_use(stored: StoredTriggers = _STORED) -> set[Zone]:
    """The time zones of all active schedules, as StoredTriggers knows them."""
    return stored.zones()


def _same_minute(others: int, when: datetime) -> ReviewWarning:
    detail = f"{others} other schedules are due at the same minute, at {when:%Y-%m-%d %H:%M} UTC: spread them out."
    return ReviewWarning("same_minute", detail)


@dataclass(slots=True)
class Collision:
    """A minute (UTC) at which several lines start; `numbers` are the first of them."""

    at: datetime
    count: int = 0
    numbers: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Collisions:
    """The minutes of the next 24 hours at which most lines start, busiest first.

    `warnings` has a warning for each trigger that is due in a crowded minute. `complete` is False when the report was
    too large to check all of it.
    """

    minutes: tuple[Collision, ...]
    warnings: Mapping[Trigger, ReviewWarning]
    complete: bool


def collisions(lines: Mapping[Trigger, Sequence[int]], *, now: datetime) -> Collisions:
    """Count the starts in each minute of the 24 hours after `now`. `lines` are the line numbers of each trigger."""
    minutes: dict[datetime, Collision] = {}
    starts: dict[Trigger, list[Collision]] = {}
    seen = 0
    for trigger, numbers in lines.items():
        if seen > _MOST_OCCURRENCES:
            break
        starts[trigger] = found = []
        for at in _minutes_of(trigger, now):
            collision = minutes.get(at)
            if collision is None:
                collision = minutes[at] = Collision(at)
            collision.count += len(numbers)
            if len(collision.numbers) < _SHOWN_LINES:
                collision.numbers += numbers[: _SHOWN_LINES - len(collision.numbers)]
            found.append(collision)
        seen += len(found)
    busiest = sorted((one for one in minutes.values() if one.count > 1), key=lambda one: (-one.count, one.at))
    return Collisions(tuple(busiest[:_SHOWN_MINUTES]), _warnings(starts), len(starts) == len(lines))


def _minutes_of(trigger: Trigger, now: datetime) -> Iterable[datetime]:
    if isinstance(trigger, Cron):
        return trigger.occurrences(now, now + _DAY)
    if trigger.seconds < 60:
        first = now.replace(second=0, microsecond=0) + _MINUTE
        return [first + minute * _MINUTE for minute in range(1440)]
    return (at.replace(second=0) for at in trigger.occurrences(now, now + _DAY))


def _warnings(starts: Mapping[Trigger, list[Collision]]) -> dict[Trigger, ReviewWarning]:
    found = {}
    for trigger, at in starts.items():
        busiest = max(at, key=lambda one: one.count, default=None)
        if busiest is not None and busiest.count > MANY:
            found[trigger] = _same_minute(busiest.count - 1, busiest.at)
    return found
