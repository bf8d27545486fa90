"""Has every occurrence of a schedule exactly one row, or a row that says why it has none?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import F, Max

from scheduling.errors import InvalidTrigger
from scheduling.models import ReplannedSchedule, Schedule, Task, TaskEvent
from scheduling.planning import UNTIL, next_due, unrecorded_until
from scheduling.timing import Trigger
from scheduling.verification.mismatch import MOST_SKEW, OVERDUE, Mismatch, Scope, shown
from scheduling.verification.rows import of_each

# Rows that the database sends at once.
_CHUNK: Final = 2_000
# Occurrences without a row are counted up to this far: a wrong cursor may be thousands of years away.
_COUNTED: Final = timedelta(days=366)
# After this many holes (missing rows) the rest of a schedule is not looked at: each hole costs a statement, and there
# may be one before every row.
_MOST_HOLES: Final = 100
_MISSING: Final = "occurrences: missing"
_TOLD: Final = "a row for each, or one that says why"
# Rows among which one that stands for many is looked for: more than somebody skips at a time.
_LOOK_BACK: Final = 5_000
# The smallest step of a stored time.
_INSTANT: Final = timedelta(microseconds=1)


def check_schedules(schedules: Sequence[Schedule], scope: Scope, *, kept_from: datetime) -> Iterator[Mismatch]:
    """Check a chunk of schedules, which are in order of their ids: two statements for all that are right.

    The cursor and the next occurrence are right, and so are the rows up to the cursor, as far as rows are kept. What
    was planned with another release of the time zone data is not compared: this process cannot work it out.
    """
    ids = [schedule.pk for schedule in schedules]
    replanned = ReplannedSchedule.objects.filter(schedule__in=ids).order_by().values_list("schedule_id")
    planned_at = dict(replanned.annotate(Max("at")))
    for schedule, rows in zip(schedules, of_each(ids, _rows_of(ids, scope, kept_from)), strict=True):
        try:
            trigger = schedule.trigger
        except InvalidTrigger as exc:
            yield Mismatch("schedule", schedule.pk, "trigger", exc.detail, "a trigger that this machine can read")
            continue
        yield from _next(schedule, trigger, scope.now)
        after = _first(schedule, scope, kept_from, planned_at.get(schedule.pk))
        yield from _rows(schedule, trigger, after, (due_at for _, due_at in rows))


def check_schedule(schedule: Schedule, scope: Scope, *, kept_from: datetime) -> Iterator[Mismatch]:
    """Check one schedule, as `check_schedules` does."""
    return check_schedules([schedule], scope, kept_from=kept_from)


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


def _first(schedule: Schedule, scope: Scope, kept_from: datetime, replanned: datetime | None) -> datetime:
    """Occurrences after this are looked at: earlier ones may be of another definition, or deleted by now."""
    starts = [moment - _INSTANT for moment in (schedule.starts_at, scope.since) if moment is not None]
    # Each change decides first what was due before it. A new release of the time zone data is a change too.
    return max([schedule.updated_at, kept_from, replanned or kept_from, *starts])


def _rows_of(ids: Sequence[int], scope: Scope, kept_from: datetime) -> Iterator[tuple[int, Any]]:
    """The schedule and the time of all rows that may be looked at, in this order. They are read one after another."""
    earliest = kept_from if scope.since is None else max(kept_from, scope.since - _INSTANT)
    rows = Task.objects.filter(schedule__in=ids, due_at__gt=earliest)
    rows = rows.filter(due_at__gt=F("schedule__updated_at"), due_at__lte=F("schedule__cursor"))
    return rows.order_by("schedule_id", "due_at").values_list("schedule_id", "due_at").iterator(_CHUNK)


def _rows(schedule: Schedule, trigger: Trigger, after: datetime, rows: Iterable[datetime]) -> Iterator[Mismatch]:
    """Walk along the rows in order of time, and compare each with the occurrence that should come next."""
    until = schedule.cursor if schedule.ends_at is None else min(schedule.cursor, schedule.ends_at)
    reached, holes = after, 0
    for row in rows:
        if not after < row <= until:
            continue
        if trigger.next(reached) != row:
            for hole in _hole(schedule, trigger, reached, row - _INSTANT):
                holes += 1
                yield hole
            yield from _foreign(schedule, trigger, row)
        reached = row
        if holes == _MOST_HOLES:
            found = f"so far {holes} holes, and nothing after {shown(row)} was looked at"
            yield Mismatch("schedule", schedule.pk, _MISSING, found, _TOLD)
            return
    yield from _hole(schedule, trigger, reached, until)


def _hole(schedule: Schedule, trigger: Trigger, after: datetime, until: datetime) -> Iterator[Mismatch]:
    """The occurrences after `after` up to `until`, which have no row, are told of by the row before them."""
    first = trigger.next(after)
    if first is None or first > until:
        return
    kept_again = _kept_again(schedule, first)
    if kept_again is not None and kept_again > first:
        first = trigger.next(kept_again - _INSTANT)
    if first is not None and first <= until:
        counted = until if until - first <= _COUNTED else first + _COUNTED
        count = f"{trigger.count(first - _INSTANT, counted)}{' or more' if counted < until else ''}"
        found = f"{count} occurrences from {shown(first)} on have no row, the last before {shown(until)}"
        yield Mismatch("schedule", schedule.pk, _MISSING, found, _TOLD)


def _kept_again(schedule: Schedule, first: datetime) -> datetime | None:
    """From when on each occurrence has a row of its own, as the row before `first` says that stands for many.

    Between the two may be rows of occurrences that somebody skipped.
    """
    before = Task.objects.filter(schedule=schedule, due_at__lt=first).order_by("-due_at").values("pk")[:_LOOK_BACK]
    # Not the row's own reason: a person may have retried it, which clears that.
    told = TaskEvent.objects.filter(task__in=before, number=1, detail__reason__startswith=UNTIL)
    times = (unrecorded_until(detail["reason"]) for detail in told.values_list("detail", flat=True))
    return max((time for time in times if time is not None), default=None)


def _foreign(schedule: Schedule, trigger: Trigger, row: datetime) -> Iterator[Mismatch]:
    """The row must be of an occurrence. Rows near a change of the schedule are left out: two clocks may be involved."""
    if trigger.next(row - _INSTANT) != row and row - schedule.updated_at > MOST_SKEW:
        found = f"there is a row for {shown(row)}"
        yield Mismatch("schedule", schedule.pk, "occurrences: foreign", found, "rows only for what the trigger names")
