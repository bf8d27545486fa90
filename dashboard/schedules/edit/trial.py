"""What a schedule would be if the form were saved as it stands. Nothing is stored."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dashboard.schedules.edit.calendar import Day, weeks
from scheduling import drafts, queries
from scheduling.drafts import ScheduleFields
from scheduling.errors import Problem
from scheduling.models import Schedule
from scheduling.planning import next_due
from scheduling.review.advice import runs_in_a_year, warnings_about
from scheduling.review.collisions import same_minute
from scheduling.review.expression import OnBackend, on_backends
from scheduling.timing import zone
from scheduling.words import describe
from scheduling.words.warnings import warning_text

# Coming occurrences below the calendar.
COMING: Final = 5
# With a problem in one of these, nothing can be said about the occurrences.
_TIMED_BY: Final = {"cron", "every", "timezone", "starts_at", "ends_at"}
# A schedule without a name can be routed all the same; the name stands in its native entries.
_UNNAMED: Final = "New schedule"


@dataclass(frozen=True, slots=True)
class When:
    """The occurrences of the schedule; `coming` are pairs of an instant and the same in its zone."""

    words: str
    expression: str
    weeks: list[list[Day]]
    coming: list[tuple[datetime, datetime]]
    runs_a_year: int
    warnings: list[str]
    backends: list[OnBackend]


@dataclass(frozen=True, slots=True)
class Trial:
    """The schedule as it would be. `when` is None where the trigger has a problem; `routed_to` is empty likewise."""

    problems: tuple[Problem, ...]
    when: When | None
    routed_to: str
    host: str
    reason: str


def trial(fields: ScheduleFields, *, before: Schedule | None, language: str, now: datetime) -> Trial:
    """Try these fields, as a new schedule or as a change of `before`."""
    asked = {**fields, "name": fields.get("name", "").strip() or _UNNAMED}
    draft, problems = drafts.attempt(before, now=now, **asked)  # type: ignore[arg-type]  # the keys of a ScheduleFields
    if not fields.get("name", "").strip():
        problems = (Problem("name", "blank", "Write a name."), *problems)
    found = None if any(problem.field in _TIMED_BY for problem in problems) else _when(draft, language, now)
    return Trial(problems, found, draft.routed_to, draft.host, draft.routing_reason)


def _when(draft: Schedule, language: str, now: datetime) -> When:
    if draft.next_due_at is None and not draft.paused:
        # A problem elsewhere has kept it from being planned.
        draft.plan_next(next_due(draft.trigger, draft.cursor, draft.policy))
    coming = queries.next_occurrences(draft, count=COMING)
    return When(
        words=describe(draft.trigger, language=language),
        expression=draft.cron,
        weeks=weeks(draft, now=now),
        coming=[(at, at.astimezone(zone(draft.timezone))) for at in coming],
        runs_a_year=runs_in_a_year(draft, now=now),
        warnings=[warning_text(each, language) for each in (*warnings_about(draft, now=now), *same_minute(coming))],
        backends=on_backends(copy.copy(draft)),
    )
