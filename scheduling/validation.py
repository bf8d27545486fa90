"""What must be true of a schedule before it is stored. Every problem is found, not only the first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from scheduling.errors import InvalidRequest, InvalidTrigger, NotFound, Problem
from scheduling.models import CatchUp, Overlap, Schedule
from scheduling.registry import definition
from scheduling.storable import problem_with_text
from scheduling.timing import Cron, Every, Trigger, zone

LONGEST_EVERY: Final = 366 * 24 * 3600
LONGEST_WINDOW: Final = timedelta(days=366)
# Between them every instant has a local time in every zone, and a step of arithmetic stays within the calendar.
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)


def check(schedule: Schedule) -> Trigger:
    """The trigger of a schedule that may be stored; raises InvalidRequest with everything that is wrong."""
    problems = [*_texts(schedule), *_job(schedule), *_policies(schedule), *_bounds(schedule)]
    trigger, wrong = _trigger(schedule)
    if trigger is None or problems:
        raise InvalidRequest([*wrong, *problems])
    return trigger


def _trigger(schedule: Schedule) -> tuple[Trigger | None, list[Problem]]:
    if (schedule.every is None) == (not schedule.cron):
        return None, [Problem("cron", "one_trigger", "Write either `cron` or `every`, not both and not neither.")]
    try:
        zone(schedule.timezone)
    except InvalidTrigger as exc:
        return None, [Problem("timezone", exc.code, exc.detail)]
    if schedule.every is None:
        try:
            return Cron.parse(schedule.cron, schedule.timezone), []
        except InvalidTrigger as exc:
            return None, [Problem("cron", exc.code, exc.detail)]
    if not 1 <= schedule.every <= LONGEST_EVERY:
        return None, [Problem("every", "out_of_range", "Write an interval from one second to 366 days.")]
    # A fraction of a second is a problem of its own, of starts_at.
    return Every(schedule.every, schedule.anchor.replace(microsecond=0)), []


def _texts(schedule: Schedule) -> Iterator[Problem]:
    for field in ("name", "description", "timezone", "host"):
        problem = problem_with_text(getattr(schedule, field))
        if problem:
            yield Problem(field, "not_storable", f"This {problem}.")
    if not schedule.name.strip():
        yield Problem("name", "blank", "Write a name.")


def _job(schedule: Schedule) -> Iterator[Problem]:
    try:
        definition(schedule.job).check(schedule.parameters)
    except NotFound as exc:
        yield Problem("job", exc.code, exc.detail)
    except InvalidRequest as exc:
        yield from exc.problems


def _policies(schedule: Schedule) -> Iterator[Problem]:
    for field, choices in (("overlap", Overlap.values), ("catch_up", CatchUp.values)):
        if getattr(schedule, field) not in choices:
            yield Problem(field, "unknown_choice", f"Write one of {', '.join(choices)}.")
    for field in ("grace", "catch_up_window"):
        if not timedelta(0) <= getattr(schedule, field) <= LONGEST_WINDOW:
            yield Problem(field, "out_of_range", "Write a duration from zero to 366 days.")
    if schedule.catch_up == CatchUp.ALL and schedule.overlap == Overlap.SKIP:
        detail = "With overlap skip, only the first of the occurrences caught up would run: write queue or allow."
        yield Problem("overlap", "contradicts_catch_up", detail)


def _bounds(schedule: Schedule) -> Iterator[Problem]:
    for field in ("starts_at", "ends_at"):
        at: datetime | None = getattr(schedule, field)
        if at is not None and not EARLIEST <= at <= LATEST:
            yield Problem(field, "out_of_range", "Write a time in the years 1970 to 9998.")
        if at is not None and at.microsecond:
            yield Problem(field, "fraction_of_a_second", "Write whole seconds.")
    if schedule.starts_at and schedule.ends_at and schedule.ends_at <= schedule.starts_at:
        yield Problem("ends_at", "ends_before_start", "Write a time after starts_at.")
