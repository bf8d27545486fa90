"""Schedules whose next time was worked out with other time zone data are planned anew."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from scheduling import drift, processes
from scheduling.backend import backend
from scheduling.errors import InvalidTrigger
from scheduling.models import ReplannedSchedule, Schedule
from scheduling.planning import next_due
from scheduling.timing import tzdata_version

log = logging.getLogger(__name__)

# One round's worth, the soonest first; the next round takes the rest.
BATCH: Final = 500
# Moved schedules that are remembered for people: a change of the data moves those of a few zones.
MOST_REMEMBERED: Final = 1_000


def plan_anew(*, now: datetime) -> None:
    """Plan one batch of schedules anew that were planned with an older release than this process has.

    What is due by the old plan is left to be dispatched. All else is planned from `now` on: an occurrence that only the
    new data puts before `now` was never due, and is not caught up.
    """
    release = tzdata_version()
    _take_back(release)
    outdated = _within_reach().filter(Q(next_due_at__isnull=True) | Q(next_due_at__gt=now), tzdata__lt=release)
    if not outdated.exists():
        return
    with transaction.atomic():
        found = list(outdated.select_for_update(skip_locked=True).order_by("next_due_at", "pk")[:BATCH])
        moves = [(schedule, move) for schedule in found if (move := _plan(schedule, now)) is not None]
        Schedule.objects.bulk_update(found, ["cursor", "next_due_at", "tzdata"])
        ReplannedSchedule.objects.bulk_create([move for _, move in moves])
    for schedule, move in moves:
        log.warning("schedule %d, planned with %s instead of %s: %s", schedule.pk, release, move.tzdata_before, move)
        # The lines of a crontab are for the agent of its host to write.
        if not backend(schedule.routed_to).capabilities.per_host:
            drift.install(schedule)
    if moves:
        _forget_old()


def _within_reach() -> QuerySet[Schedule]:
    """The schedules that this process may plan.

    A crontab wakes its schedules by the time zone data of its own host, so no other machine plans them.
    """
    return Schedule.objects.filter(paused=False, every__isnull=True, host__in=["", settings.TANDEM_HOST])


def _take_back(release: str) -> None:
    """Mark schedules as planned with an older release, where no process has the newer one that they were planned with.

    This is so when an older release is installed again. Otherwise the schedules would wait for a process that never
    comes.
    """
    newer = _within_reach().filter(tzdata__gt=release)
    if newer.exists() and not processes.alive_now().filter(tzdata__gt=release).exists():
        newer.update(tzdata="")


def _plan(schedule: Schedule, now: datetime) -> ReplannedSchedule | None:
    """Plan a schedule that the caller has locked, and that is not due. Returns what moved; nothing is stored."""
    due_before, tzdata_before = schedule.next_due_at, schedule.tzdata
    # Not due, so all up to now is decided. A later plan must not go back to before that.
    schedule.cursor = max(schedule.cursor, now)
    try:
        due_after = next_due(schedule.trigger, schedule.cursor, schedule.policy)
    except InvalidTrigger:
        # This data has no such zone. Dispatch stops the schedule, with its reason, when it is due by its plan.
        due_after = due_before
    schedule.plan_next(due_after)
    if due_after == due_before:
        return None
    return ReplannedSchedule(
        schedule=schedule,
        due_before=due_before,
        due_after=due_after,
        tzdata_before=tzdata_before,
        tzdata_after=schedule.tzdata,
        at=now,
    )


def _forget_old() -> None:
    kept = ReplannedSchedule.objects.order_by("-pk").values_list("pk", flat=True)
    last = kept[MOST_REMEMBERED - 1 : MOST_REMEMBERED].first()
    if last is not None:
        ReplannedSchedule.objects.filter(pk__lt=last).delete()
