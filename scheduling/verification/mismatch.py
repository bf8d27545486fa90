"""What a check yields, and what a verification looks at. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

# Times of different processes are compared with this tolerance: their clocks differ. `doctor` warns beyond it, too.
MOST_SKEW: Final = timedelta(seconds=2)
# What is due is done within seconds, by cron within a minute and the start of a process. Later, nobody does it.
OVERDUE: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as it should be. `kind` is task, schedule or workflow; `id` is the id of its row."""

    kind: str
    id: int
    check: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at, at the time `now` of the database's clock.

    With `schedule`, only what belongs to that schedule. With `since`, only what was created, or due, since then.
    `counts` counts the rows that were read, by kind.
    """

    now: datetime
    schedule: int | None = None
    since: datetime | None = None
    counts: Counter[str] = field(default_factory=Counter)


def shown(moment: datetime | None) -> str:
    """A time as findings show it."""
    return "no time" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
