"""Which occurrences are left out, or run after all, because somebody asked? Rows of the ledger say it.

The ledger has one row for an occurrence at most. A coming one that has its row already is not run when it is due, and a
past one without a row was never decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from django.db import transaction

from scheduling import audit, delivery, ledger, receipts
from scheduling.errors import InvalidRequest, NotFound, Problem
from scheduling.executor import executor
from scheduling.ledger import DecidedOccurrence
from scheduling.lifecycle import Status
from scheduling.models import Overlap, Schedule, Task
from scheduling.owners import visible
from scheduling.phrases import phrase
from scheduling.planning import next_due
from scheduling.storable import Json

# One transaction's worth.
MOST: Final = 1_000
# Occurrences that are looked at for those without a row: a schedule of each second has so many in half a day.
MOST_LOOKED_AT: Final = 50_000
# Before it nothing is backfilled: a local time of the year 1 may be none in UTC.
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
SKIPPED: Final = "skipped because somebody asked for it"
BACKFILLED: Final = "asked for after its time; waits for earlier tasks of its schedule"


def skip(schedule_id: int, count: int, *, now: datetime) -> list[datetime]:
    """Leave out the next `count` occurrences (1 to MOST) that have no row yet. Returns them, which may be fewer.

    Raises NotFound, and InvalidRequest where the trigger cannot be read here.
    """
    with transaction.atomic():
        schedule = _locked(schedule_id)
        coming = _without_rows(schedule, _from(schedule, max(schedule.cursor, now)))
        found = list(islice(coming, count))
        _record(schedule, found, Status.SKIPPED, SKIPPED, now)
        receipts.leave(found)
        _note(schedule, "skipped", found, now)
    return found


def backfill(schedule_id: int, *, start: datetime, end: datetime, now: datetime) -> list[datetime]:
    """Run the occurrences from `start` to `end` (both included) that have no row, by the trigger as it is now.

    One after the other, the oldest first; at once with overlap `allow`. Raises NotFound, and InvalidRequest where `end`
    is before `start` or not past, and where there are more than MOST.
    """
    if end < start:
        raise InvalidRequest([Problem("to", "ends_before_start", phrase("Write a time that is not before `from`."))])
    if end >= now:
        raise InvalidRequest(
            [Problem("to", "not_past", phrase("Write a time that is past: what is to come runs by itself."))]
        )
    with transaction.atomic():
        schedule = _locked(schedule_id)
        past = _until(_from(schedule, max(start, _EARLIEST) - timedelta(microseconds=1)), min(end, schedule.cursor))
        found = list(islice(_without_rows(schedule, past), MOST + 1))
        if len(found) > MOST:
            raise InvalidRequest(
                [Problem("to", "too_many", phrase("More than {most:,} occurrences: write an earlier time.", most=MOST))]
            )
        at_once = schedule.overlap == Overlap.ALLOW
        made = _record(
            schedule, found, Status.QUEUED if at_once else Status.SCHEDULED, "" if at_once else BACKFILLED, now
        )
        receipts.leave(found)
        _note(schedule, "backfilled", found, now)
    delivery.hand_over(made if at_once else delivery.release(schedule_id, now=now), now=now)
    return found


def _locked(schedule_id: int) -> Schedule:
    found = visible(Schedule.objects.select_for_update()).filter(pk=schedule_id).first()
    if found is None:
        raise NotFound(phrase("There is no schedule {id}.", id=schedule_id))
    return found


def _from(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """The occurrences after this time, as many as may be looked at."""
    trigger, policy = schedule.trigger, schedule.policy
    for _ in range(MOST_LOOKED_AT):
        due_at = next_due(trigger, after, policy)
        if due_at is None:
            return
        yield due_at
        after = due_at


def _until(some: Iterable[datetime], end: datetime) -> Iterator[datetime]:
    for due_at in some:
        if due_at > end:
            return
        yield due_at


def _without_rows(schedule: Schedule, some: Iterator[datetime]) -> Iterator[datetime]:
    """Those of the occurrences that have no row yet, MOST looked up at a time."""
    while batch := list(islice(some, MOST)):
        rows = Task.objects.filter(schedule=schedule, due_at__range=(batch[0], batch[-1]))
        known = set(rows.values_list("due_at", flat=True))
        yield from (due_at for due_at in batch if due_at not in known)


def _record(schedule: Schedule, found: list[datetime], status: Status, reason: str, now: datetime) -> list[Task]:
    host = schedule.host if executor(schedule.runs_on).in_process else ""
    rows = [DecidedOccurrence(schedule.pk, due_at, status, reason, host) for due_at in found]
    return ledger.record_occurrences([schedule], rows, woken_by="request", now=now) if rows else []


def _note(schedule: Schedule, action: str, found: list[datetime], now: datetime) -> None:
    """Write it into the audit log, with the first and the last occurrence."""
    if not found:
        return
    changes: dict[str, list[Json]] = {
        "occurrences": [None, len(found)],
        "from": [None, found[0].isoformat()],
        "to": [None, found[-1].isoformat()],
    }
    audit.record(audit.Change("schedule", schedule.pk, action, schedule.name, schedule.owner, changes), now=now)
