"""Has every occurrence of a schedule exactly one row, or a row that says why it has none?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.conf import settings

from scheduling.errors import InvalidTrigger
from scheduling.models import Schedule, Task, TaskEvent
from scheduling.planning import UNTIL, next_due, unrecorded_until
from scheduling.timing import Trigger
from scheduling.verification.mismatch import MOST_SKEW, OVERDUE, Mismatch, Scope, shown

# Rows that the database sends at once.
_CHUNK: Final = 2_000
# Occurrences without a row are counted up to here: a schedule of each second has 86,400 a day.
_MOST_COUNTED: Final = 1_000
# So far back a row that stands for many is looked for: more than somebody skips.
_LOOK_BACK: Final = 5_000
# The smallest step of a stored time.
_INSTANT: Final = timedelta(microseconds=1)


def check_schedule(schedule: Schedule, scope: Scope, *, kept_from: datetime) -> Iterator[Mismatch]:
    """The cursor and the next occurrence are right, and so are the rows up to the cursor, as far as rows are kept.

    What was planned with another release of the time zone data is not compared: this process cannot work it out.
    """
    try:
        trigger = schedule.trigger
    except InvalidTrigger as exc:
        yield Mismatch("schedule", schedule.pk, "trigger", exc.detail, "a trigger that this machine can read")
        return
    yield from _next(schedule, trigger, scope.now)
    yield from _rows(schedule, trigger, _first(schedule, scope, kept_from))


def kept_since(now: datetime) -> datetime:
    """Retention has deleted nothing of what was created since then."""
    by_age = now - timedelta(days=settings.TANDEM_KEEP_DAYS)
    newest = Task.objects.order_by("-pk").values_list("created_at", flat=True)
    most = settings.TANDEM_KEEP_TASKS
    return max([by_age, *newest[most : most + 1]])


def _next(schedule: Schedule, trigger: Trigger, now: datetime) -> Iterator[Mismatch]:
    due = None if schedule.paused else next_due(trigger, schedule.cursor, schedule.policy)
    if schedule.next_due_at != due and not schedule.planned_with_other_data:
        why = "it is paused" if schedule.paused else f"its cursor is {shown(schedule.cursor)}"
        yield Mismatch("schedule", schedule.pk, "next_due_at", shown(schedule.next_due_at), f"{shown(due)}: {why}")
    if schedule.cursor - now > MOST_SKEW:
        yield Mismatch("schedule", schedule.pk, "cursor", shown(schedule.cursor), f"not after now, {shown(now)}")
    if schedule.next_due_at is not None and now - schedule.next_due_at > OVERDUE:
        found = f"the occurrence of {shown(schedule.next_due_at)} is not planned"
        yield Mismatch("schedule", schedule.pk, "overdue", found, f"it is planned within {OVERDUE}")


def _first(schedule: Schedule, scope: Scope, kept_from: datetime) -> datetime:
    """Occurrences after this are looked at: earlier ones may be of another definition, or deleted by now."""
    starts = [moment - _INSTANT for moment in (schedule.starts_at, scope.since) if moment is not None]
    # Each change decides first what was due before it. A new release of the time zone data is a change too.
    replanned = schedule.replanned.order_by("-at").values_list("at", flat=True)[:1]
    return max([schedule.updated_at, kept_from, *starts, *replanned])


def _rows(schedule: Schedule, trigger: Trigger, after: datetime) -> Iterator[Mismatch]:
    """Walk along the rows in order of time, and compare each with the occurrence that should come next."""
    until = schedule.cursor if schedule.ends_at is None else min(schedule.cursor, schedule.ends_at)
    rows = Task.objects.filter(schedule=schedule, due_at__gt=after, due_at__lte=until).order_by("due_at")
    reached = after
    for row in filter(None, rows.values_list("due_at", flat=True).iterator(chunk_size=_CHUNK)):
        if trigger.next(reached) != row:
            yield from _hole(schedule, trigger, reached, row - _INSTANT)
            yield from _foreign(schedule, trigger, row)
        reached = row
    yield from _hole(schedule, trigger, reached, until)


def _hole(schedule: Schedule, trigger: Trigger, after: datetime, until: datetime) -> Iterator[Mismatch]:
    """The occurrences after `after` up to `until`, which have no row, are told of by the row before them."""
    first = trigger.next(after)
    if first is None or first > until:
        return
    kept_again = _kept_again(schedule, first)
    if kept_again is not None:
        after = max(after, kept_again - _INSTANT)
    missing = list(islice(trigger.occurrences(after, until), _MOST_COUNTED))
    if missing:
        count = f"{len(missing)}{' or more' if len(missing) == _MOST_COUNTED else ''}"
        found = f"{count} occurrences from {shown(missing[0])} on have no row, the last before {shown(until)}"
        yield Mismatch("schedule", schedule.pk, "occurrences: missing", found, "a row for each, or one that says why")


def _kept_again(schedule: Schedule, first: datetime) -> datetime | None:
    """From when on there is a row for each, as a row before `first` says that stands for many.

    Between the two may be rows of occurrences that somebody skipped.
    """
    before = Task.objects.filter(schedule=schedule, due_at__lt=first).order_by("-due_at").values("pk")[:_LOOK_BACK]
    # Not the row's own reason: a person may have retried it, which clears that.
    told = TaskEvent.objects.filter(task__in=before, number=1, detail__reason__startswith=UNTIL)
    times = (unrecorded_until(detail["reason"]) for detail in told.values_list("detail", flat=True))
    return max((time for time in times if time is not None), default=None)


def _foreign(schedule: Schedule, trigger: Trigger, row: datetime) -> Iterator[Mismatch]:
    """A row is of an occurrence. Around a change, who decided may have had another clock than who changed it."""
    if trigger.next(row - _INSTANT) != row and row - schedule.updated_at > MOST_SKEW:
        found = f"there is a row for {shown(row)}"
        yield Mismatch("schedule", schedule.pk, "occurrences: foreign", found, "rows only for what the trigger names")
