"""Turns a wake-up into tasks: finds the due schedules, plans them, and stores one row of the ledger per occurrence."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Count, Exists, Q

from scheduling import caller, delivery, ledger, processes, rows_for_many
from scheduling.caller import Caller, acting
from scheduling.errors import InvalidTrigger, NotFound
from scheduling.executor import executor
from scheduling.lifecycle import OPEN, Status
from scheduling.models import Schedule, SyncState, Task, Workflow
from scheduling.models.partial import partial
from scheduling.planning import REPLACED, Decision, Plan, plan
from scheduling.timing import tzdata_version
from scheduling.workflows import advance

log = logging.getLogger(__name__)

# `woken_by` of the tasks whose wake-up was lost.
UPKEEP: Final = "upkeep"
# What planning reads of a schedule. The other columns are not read for a batch: the database copies them to the tasks.
_PLANNED_FROM: Final = (
    "id", "cron", "every", "anchor", "timezone", "starts_at", "ends_at", "overlap", "catch_up", "catch_up_window",
    "grace", "cursor", "next_due_at", "tzdata", "routed_to", "runs_on", "host", "woken_at", "overdue_at",
)  # fmt: skip
# Seconds. To publish a batch takes three at most (backends.queue.publishing). Where to decide it has taken longer than
# this, its tasks could count as unclaimed in the meantime: the time until then begins anew (`ledger.hold`).
LONG_DECISION: Final = 1.5


def dispatch_due(
    backend: str, *, now: datetime, after: datetime | None = None, most: int | None = None
) -> list[datetime]:
    """Make tasks for one batch of due schedules of `backend`, and hand them over.

    The batch takes those that have been due longest, of those that became due later than `after`: `most` of them, or
    delivery.BATCH. It decides no more occurrences than about that many, and half as many of one schedule. Returns when
    the schedules were due. Any number of processes may call it at once: each takes different rows (PostgreSQL) or waits
    for the lock (SQLite).
    """
    began = time.monotonic()
    with transaction.atomic():
        which = may_dispatch(backend) if after is None else may_dispatch(backend) & Q(next_due_at__gt=after)
        schedules = _lock_due(which, now, most or delivery.BATCH)
        due = [one.next_due_at for one in schedules if one.next_due_at]
        tasks = _decide(schedules, now=now, woken_by=backend, most=most or delivery.BATCH)
    took = time.monotonic() - began
    if took > LONG_DECISION:
        tasks = ledger.hold(tasks, now=now + timedelta(seconds=took))
    delivery.submit(tasks, now=now)
    return due


def decide_due_on(host: str, backend: str, *, now: datetime) -> list[Task]:
    """Make tasks for all due schedules that `backend` wakes on `host`. Returns the queued ones, not handed over yet.

    The number of queries does not depend on how many are due, up to delivery.BATCH. Any number of processes may call it
    at once, as `dispatch_due`.
    """
    found: list[Task] = []
    while True:
        with transaction.atomic():
            schedules, tasks = decide_batch(Q(routed_to=backend, host=host), now=now, woken_by=backend)
        found += tasks
        if not more_is_due(schedules, now):
            return found


def decide_batch(which: Q, *, now: datetime, woken_by: str) -> tuple[list[Schedule], list[Task]]:
    """Decide one batch of the due schedules among `which`: those due longest.

    Needs a transaction. Returns the schedules, and the tasks that may run: they are not handed over yet. A long
    catch-up, or more than delivery.BATCH occurrences, are not decided whole: see `more_is_due`.
    """
    schedules = _lock_due(which, now, delivery.BATCH)
    return schedules, _decide(schedules, now=now, woken_by=woken_by, most=delivery.BATCH)


def more_is_due(schedules: list[Schedule], now: datetime) -> bool:
    """Whether another batch may find something that is due, after one that has decided these schedules."""
    left = (one for one in schedules if one.next_due_at is not None and one.next_due_at <= now)
    return len(schedules) >= delivery.BATCH or any(True for _ in left)


def may_dispatch(backend: str) -> Q:
    """Which schedules of `backend` this process may dispatch.

    The kind of a process that dispatches without being woken by a cron is the name of its backend.
    """
    return Q(routed_to=backend) & may_plan(backend)


def may_plan(*kinds: str) -> Q:
    """Which schedules this process may plan, among processes of these kinds.

    It leaves those that were planned with newer time zone data to the processes that have it, as long as one is alive:
    the occurrence after this one would be worked out with the older data.
    """
    release = tzdata_version()
    with_newer = processes.alive_now().filter(kind__in=kinds, tzdata__gt=release)
    return Q(tzdata__lte=release) | Q(~Exists(with_newer))


def fire(schedule_id: int, *, now: datetime, woken_by: str) -> list[Task]:
    """Make tasks for the due occurrences of one schedule. Returns the queued ones, not handed over yet.

    Raises NotFound when the schedule is deleted. The next sync removes the native entry that is left over.
    """
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update().filter(pk=schedule_id).first()
        if schedule is None:
            raise NotFound(f"There is no schedule {schedule_id}.")
        return decide(schedule, now=now, woken_by=woken_by)


def decide(schedule: Schedule, *, now: datetime, woken_by: str, skip_because: str = "") -> list[Task]:
    """Turn what is due of a schedule, which the caller has locked, into tasks; returns those that may run.

    They are not yet handed over. With `skip_because` nothing runs: each occurrence is SKIPPED with this reason.
    """
    return decide_all([schedule], now=now, woken_by=woken_by, skip_because=skip_because)


def decide_all(schedules: Iterable[Schedule], *, now: datetime, woken_by: str, skip_because: str = "") -> list[Task]:
    """`decide` for each of the schedules: as many statements as for one."""
    due = [one for one in schedules if one.next_due_at is not None and one.next_due_at <= now]
    return _decide(due, now=now, woken_by=woken_by, skip_because=skip_because) if due else []


def decide_up_to(schedule: Schedule, until: datetime, *, now: datetime, woken_by: str) -> list[Task]:
    """As `decide`, for what was due up to `until` and no later, as it would have been decided then.

    The rows are stored at `now`.
    """
    if schedule.next_due_at is None or schedule.next_due_at > until:
        return []
    return _decide([schedule], now=now, woken_by=woken_by, until=until)


def task_of(schedule: Schedule, due_at: datetime, *, now: datetime, woken_by: str) -> Task:
    """The queued task of one occurrence, which no plan decided. It is not stored yet."""
    return _task(schedule, due_at, now, woken_by)


def extra_task(schedule: Schedule, *, now: datetime, woken_by: str) -> Task:
    """A queued task of the schedule that belongs to no occurrence. It is not stored yet."""
    return _task(schedule, None, now, woken_by)


def _lock_due(which: Q, now: datetime, most: int) -> list[Schedule]:
    due = Schedule.objects.select_for_update(skip_locked=True).filter(which, next_due_at__lte=now)
    rows = due.order_by("next_due_at").values_list(*_PLANNED_FROM)
    return [partial(Schedule, _PLANNED_FROM, row, database=due.db) for row in rows[:most]]


def _decide(
    schedules: list[Schedule],
    *,
    now: datetime,
    woken_by: str,
    skip_because: str = "",
    until: datetime | None = None,
    most: int | None = None,
) -> list[Task]:
    """Plan schedules that the caller has locked, up to `now` or as it was at `until`, and store the decisions.

    Returns the queued tasks; those of one schedule have the oldest occurrence first. With `most`, no further schedule
    is planned when so many occurrences are decided. Of one schedule half as many are decided, the oldest first: others
    get their turn in between.
    """
    if not schedules:
        return []
    # A statement of its own, after the locks: what locks the rows may have begun before another dispatcher's commit.
    open_tasks = _open_tasks(schedules)
    of_one = None if most is None else max(1, most // 2)
    decided: list[Schedule] = []
    occurrences: list[ledger.DecidedOccurrence] = []
    for schedule in schedules:
        if most is not None and len(occurrences) >= most:
            break
        planned = _plan(schedule, until or now, open_tasks.get(schedule.pk, 0), skip_because, of_one)
        decisions: Iterable[Decision] = planned.decisions
        if planned.replace and _replaced(schedule, now, woken_by):
            decisions = map(_waits_for_the_replaced, decisions)
        host = _host(schedule)
        occurrences += [
            ledger.DecidedOccurrence(schedule.pk, one.due_at, one.status, one.reason, host) for one in decisions
        ]
        schedule.cursor = planned.cursor
        schedule.plan_next(planned.next_due_at)
        decided.append(schedule)
    _note_who_woke(decided, now, woken_by)
    made = ledger.record_occurrences(decided, occurrences, woken_by=woken_by, now=now)
    return [task for task in made if task.status == Status.QUEUED]


def _note_who_woke(schedules: list[Schedule], now: datetime, woken_by: str) -> None:
    """Note on schedules of hosts whether their own wake-up came, or upkeep had to decide."""
    for schedule in schedules:
        if not schedule.host:
            continue
        if woken_by == UPKEEP:
            schedule.overdue_at = now
        elif woken_by == schedule.routed_to:
            schedule.woken_at = now


def _plan(schedule: Schedule, now: datetime, open_tasks: int, skip_because: str, most: int | None) -> Plan:
    try:
        trigger = schedule.trigger_as_planned
    except InvalidTrigger as exc:
        # The time zone data of this machine no longer has the zone. This schedule stops; the others go on.
        log.exception("schedule %d cannot be planned", schedule.pk)
        Schedule.objects.filter(pk=schedule.pk).update(sync_state=SyncState.OUT_OF_SYNC, sync_error=exc.detail)
        return Plan((), schedule.cursor, None)
    policy = schedule.policy
    planned = plan(trigger, schedule.cursor, now, policy, open_tasks=open_tasks, skip_because=skip_because, most=most)
    return rows_for_many.placed(planned, schedule, trigger)


def _open_tasks(schedules: list[Schedule]) -> dict[int, int]:
    """For each schedule id, how many occurrences are open: open tasks, and running workflows that tasks started."""
    ids = [schedule.pk for schedule in schedules]
    tasks, workflows = (
        rows.filter(schedule__in=ids).order_by().values_list("schedule_id").annotate(Count("pk"))
        for rows in (Task.objects.filter(status__in=OPEN), Workflow.objects.filter(status=Status.RUNNING))
    )
    found: Counter[int] = Counter()
    for schedule_id, count in tasks.union(workflows, all=True):
        found[schedule_id] += count
    return found


def _replaced(schedule: Schedule, now: datetime, woken_by: str) -> bool:
    """Stop the open tasks and workflows of the schedule. Returns whether something still runs."""
    with acting(caller.current() or Caller(woken_by)):
        return _stop_open(schedule, now)


def _stop_open(schedule: Schedule, now: datetime) -> bool:
    """Cancel the schedule's tasks that wait, and ask those that run to stop. Returns whether one still runs."""
    for pk in Task.objects.filter(schedule=schedule, status__in=OPEN).values_list("pk", flat=True):
        if not ledger.cancel(pk, reason=REPLACED, now=now, running=False):
            ledger.ask_to_stop(pk, reason=REPLACED, now=now)
    # Upkeep asks the running members to stop later: not here, under the locks of this transaction.
    for pk in Workflow.objects.filter(schedule=schedule, status=Status.RUNNING).values_list("pk", flat=True):
        advance.cancel(pk, reason=REPLACED, now=now)
    running = (Task.objects.filter(status__in=OPEN), Workflow.objects.filter(status=Status.RUNNING))
    return any(rows.filter(schedule=schedule).exists() for rows in running)


def _waits_for_the_replaced(decision: Decision) -> Decision:
    """The decision for an occurrence whose predecessor still runs: `delivery.release` queues it when that has ended."""
    if decision.status is not Status.QUEUED:
        return decision
    return replace(decision, status=Status.SCHEDULED, reason="waits for the end of the task that it replaces")


def _task(schedule: Schedule, due_at: datetime | None, now: datetime, woken_by: str) -> Task:
    copied = {name: getattr(schedule, source) for name, source in ledger.COPIED.items()}
    return Task(
        due_at=due_at,
        woken_by=woken_by,
        status=Status.QUEUED,
        host=_host(schedule),
        send_at=now + ledger.UNCLAIMED_AFTER,
        **copied,
    )


def _host(schedule: Schedule) -> str:
    """The machine that the schedule's tasks must run on, or ''."""
    return schedule.host if executor(schedule.runs_on).in_process else ""
