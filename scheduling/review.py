"""A trigger as a person reviews it, before or after it is saved: words, what comes next, what each backend would
install.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from scheduling.backend import Entry, all_backends
from scheduling.errors import InvalidRequest, InvalidTrigger, Problem
from scheduling.executor import executor_names
from scheduling.hosts import default_host
from scheduling.models import Schedule
from scheduling.timing import Cron, zone
from scheduling.timing.words import describe

MOST_NEXT: Final = 100


@dataclass(frozen=True, slots=True)
class OnBackend:
    """What a backend would install for the expression, or why it cannot hold it."""

    backend: str
    entries: tuple[Entry, ...]
    refused_because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """An expression, read."""

    expression: str
    timezone: str
    words: str
    next_occurrences: tuple[datetime, ...]
    backends: tuple[OnBackend, ...]


def words(schedule: Schedule) -> str:
    """The schedule's trigger in plain words."""
    return describe(schedule.trigger)


def review_cron(expression: str, timezone: str, *, count: int, now: datetime) -> Review:
    """Read an expression. Raises InvalidRequest naming `timezone` or `cron` with what to write instead."""
    try:
        zone(timezone)
    except InvalidTrigger as exc:
        raise InvalidRequest([Problem("timezone", exc.code, exc.detail)]) from exc
    try:
        trigger = Cron.parse(expression, timezone)
    except InvalidTrigger as exc:
        raise InvalidRequest([Problem("cron", exc.code, exc.detail)]) from exc
    draft = Schedule(
        name="draft", cron=trigger.expression, timezone=timezone, anchor=now, next_due_at=trigger.next(now)
    )
    return Review(
        expression=trigger.expression,
        timezone=timezone,
        words=describe(trigger),
        next_occurrences=tuple(islice(trigger.occurrences(now), count)),
        backends=tuple(_on_backends(draft)),
    )


def _on_backends(draft: Schedule) -> list[OnBackend]:
    found = []
    for where in all_backends():
        # The number a draft has not got yet shows as 0 in its entries.
        draft.pk = 0
        draft.routed_to = where.name
        draft.runs_on = next(name for name in where.capabilities.executors if name in executor_names())
        draft.host = default_host() if where.capabilities.per_host else ""
        problems = where.check(draft)
        entries = () if problems else tuple(where.entries(draft))
        found.append(OnBackend(where.name, entries, tuple(problem.detail for problem in problems)))
    return found
