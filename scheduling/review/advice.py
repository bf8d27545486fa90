"""What should a person know about a schedule as it is stored, or would be?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from scheduling.errors import InvalidTrigger
from scheduling.models import Schedule
from scheduling.timing import Trigger
from scheduling.timing.frequency import YEAR
from scheduling.timing.warnings import ReviewWarning, warnings_of


def warnings_about(schedule: Schedule, *, now: datetime) -> list[ReviewWarning]:
    """The warnings about its trigger, and about its end: `ended`, `never_due`.

    Of a trigger whose time zone this machine does not know there is none: its words say what is wrong.
    """
    trigger = _trigger(schedule)
    return [*_of_its_end(schedule, now), *(warnings_of(trigger, now=now) if trigger else [])]


def runs_in_a_year(schedule: Schedule, *, now: datetime) -> int:
    """How many occurrences it has in the 365 days after `now`: none while it is paused. They are not listed."""
    return runs_between(schedule, after=now, until=now + YEAR)


def runs_between(schedule: Schedule, *, after: datetime, until: datetime) -> int:
    """How many occurrences it has after `after` and up to `until`: none while it is paused. They are not listed."""
    trigger = _trigger(schedule)
    if schedule.paused or trigger is None:
        return 0
    if schedule.starts_at is not None:
        # An occurrence at the very start counts.
        after = max(after, schedule.starts_at - timedelta(microseconds=1))
    if schedule.ends_at is not None:
        until = min(until, schedule.ends_at)
    if until <= after:
        return 0
    return trigger.count(after, until)


def _trigger(schedule: Schedule) -> Trigger | None:
    try:
        return schedule.trigger
    except InvalidTrigger:
        return None


def _of_its_end(schedule: Schedule, now: datetime) -> Iterator[ReviewWarning]:
    if schedule.ends_at is None or schedule.paused or schedule.next_due_at is not None:
        return
    if schedule.ends_at <= now:
        at = f"{schedule.ends_at:%Y-%m-%d %H:%M:%S} UTC"
        yield ReviewWarning("ended", f"It has ended, at {at}: it does not run.", values={"at": at})
    else:
        yield ReviewWarning("never_due", "It is not due between its start and its end: it does not run.")
