"""Reviews one trigger: words, next occurrences, frequency, what each backend would install, and warnings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, Literal

from scheduling.backend import all_backends
from scheduling.entry import Entry
from scheduling.errors import InvalidRequest, InvalidTrigger, Problem
from scheduling.executor import executor_names
from scheduling.hosts import default_host
from scheduling.models import Schedule
from scheduling.review.collisions import same_minute
from scheduling.timing import Cron, Every, Trigger, zone
from scheduling.timing.frequency import Frequency, frequency
from scheduling.timing.warnings import ReviewWarning, warnings_of
from scheduling.words import DEFAULT, describe

# Occurrences in one answer; a stored schedule shows more of them under /occurrences/.
MOST_NEXT: Final = 100


@dataclass(frozen=True, slots=True)
class OnBackend:
    """What a backend would install for the expression, or why it cannot hold it."""

    backend: str
    entries: tuple[Entry, ...]
    refused_because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """The review of a trigger. `expression` is empty for an interval; `every` is None for an expression."""

    expression: str
    every: int | None
    timezone: str
    words: str
    next_occurrences: tuple[datetime, ...]
    frequency: Frequency
    backends: tuple[OnBackend, ...]
    warnings: tuple[ReviewWarning, ...]


def review_cron(
    expression: str,
    timezone: str,
    *,
    count: int,
    now: datetime,
    language: str = DEFAULT,
    clock: Literal[12, 24] | None = None,
) -> Review:
    """Review an expression. Raises InvalidRequest (field `timezone` or `cron`), which says what to write instead."""
    _check_zone(timezone)
    try:
        trigger = Cron.parse(expression, timezone)
    except InvalidTrigger as exc:
        raise InvalidRequest([Problem("cron", exc.code, exc.detail)]) from exc
    draft = Schedule(cron=trigger.expression, timezone=timezone, anchor=now)
    return _review(trigger, draft, count=count, now=now, words=describe(trigger, language=language, clock=clock))


def review_every(
    seconds: int,
    timezone: str,
    *,
    count: int,
    now: datetime,
    language: str = DEFAULT,
    clock: Literal[12, 24] | None = None,
) -> Review:
    """Review an interval of `seconds` that counts from `now`. Raises InvalidRequest (field `timezone` or `every`)."""
    _check_zone(timezone)
    # Count as a new schedule does: an interval of whole minutes counts from a whole minute.
    anchor = now.replace(microsecond=0, second=now.second if seconds % 60 else 0)
    try:
        trigger = Every(seconds, anchor)
    except InvalidTrigger as exc:
        raise InvalidRequest([Problem("every", exc.code, exc.detail)]) from exc
    draft = Schedule(cron="", every=seconds, timezone=timezone, anchor=anchor)
    return _review(trigger, draft, count=count, now=now, words=describe(trigger, language=language, clock=clock))


def _check_zone(timezone: str) -> None:
    try:
        zone(timezone)
    except InvalidTrigger as exc:
        raise InvalidRequest([Problem("timezone", exc.code, exc.detail)]) from exc


def _review(trigger: Trigger, draft: Schedule, *, count: int, now: datetime, words: str) -> Review:
    draft.name, draft.next_due_at = "draft", trigger.next(now)
    following = tuple(islice(trigger.occurrences(now), count))
    return Review(
        expression=draft.cron,
        every=draft.every,
        timezone=draft.timezone,
        words=words,
        next_occurrences=following,
        frequency=frequency(trigger, now=now),
        backends=tuple(on_backends(draft)),
        warnings=(*warnings_of(trigger, now=now), *same_minute(following)),
    )


def on_backends(draft: Schedule) -> list[OnBackend]:
    """What each backend would install for a draft with a name and a plan. It is changed meanwhile: give a copy."""
    found = []
    for where in all_backends():
        # A draft has no id yet. Its entries show the id 0.
        draft.pk = 0
        draft.routed_to = where.name
        draft.runs_on = next(name for name in where.capabilities.executors if name in executor_names())
        draft.host = default_host() if where.capabilities.per_host else ""
        problems = where.check(draft)
        entries = () if problems else tuple(where.entries(draft))
        found.append(OnBackend(where.name, entries, tuple(problem.detail for problem in problems)))
    return found
