"""What the due occurrences of schedules become: plans (pure) made rows of the ledger."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Count, F

from scheduling import ledger
from scheduling.errors import InvalidTrigger
from scheduling.executor import executor
from scheduling.lifecycle import OPEN, Status
from scheduling.members import dependencies
from scheduling.models import Schedule, SyncState, Task, Workflow
from scheduling.planning import Decision, Plan, Policy, plan

log = logging.getLogger(__name__)


def decide(schedules: list[Schedule], *, now: datetime, woken_by: str, hand_over: timedelta) -> list[Task]:
    """Plan locked schedules and store what was decided. Returns the queued tasks, older occurrences first.

    They have `hand_over` to be handed over before upkeep takes them for left behind.
    """
    open_tasks = _open_tasks(schedules)
    plans = [(schedule, _plan(schedule, now, open_tasks.get(schedule.pk, 0))) for schedule in schedules]
    known = _known(plans)
    tasks: list[Task] = []
    for schedule, made in plans:
        if made.replace:
            _cancel_open(schedule, now)
        tasks.extend(
            _task(schedule, decision, now, woken_by, hand_over)
            for decision in made.decisions
            if (schedule.pk, decision.due_at) not in known
        )
        schedule.cursor, schedule.next_due_at = made.cursor, made.next_due_at
    Schedule.objects.bulk_update(schedules, ["cursor", "next_due_at"])
    return [task for task in ledger.record(tasks, now) if task.status == Status.QUEUED]


def new_task(schedule: Schedule, *, now: datetime, woken_by: str, hand_over: timedelta) -> Task:
    """A queued task of the schedule that is no occurrence of it, not yet stored."""
    return _task(schedule, None, now, woken_by, hand_over)


def policy(schedule: Schedule) -> Policy:
    """The schedule's policies as planning wants them."""
    return Policy(
        overlap=schedule.overlap,
        catch_up=schedule.catch_up,
        catch_up_window=schedule.catch_up_window,
        grace=schedule.grace,
        starts_at=schedule.starts_at,
        ends_at=schedule.ends_at,
    )


def _plan(schedule: Schedule, now: datetime, open_tasks: int) -> Plan:
    try:
        return plan(schedule.trigger, schedule.cursor, now, policy(schedule), open_tasks=open_tasks)
    except InvalidTrigger as exc:
        # A zone that the machine's time zone data no longer knows: this schedule stops, the others go on.
        log.exception("schedule %d cannot be planned", schedule.pk)
        Schedule.objects.filter(pk=schedule.pk).update(sync_state=SyncState.OUT_OF_SYNC, sync_error=exc.detail)
        return Plan((), schedule.cursor, None)


def _open_tasks(schedules: list[Schedule]) -> dict[int, int]:
    """By schedule, the occurrences that have not ended: open tasks, and the workflows that tasks have started."""
    found: dict[int, int] = {}
    for rows in (Task.objects.filter(status__in=OPEN), Workflow.objects.filter(status=Status.RUNNING)):
        counts = rows.filter(schedule__in=schedules).order_by().values("schedule_id").annotate(count=Count("pk"))
        for row in counts:
            found[row["schedule_id"]] = found.get(row["schedule_id"], 0) + row["count"]
    return found


def _known(plans: list[tuple[Schedule, Plan]]) -> set[tuple[int | None, datetime | None]]:
    """Which planned occurrences are in the ledger already: a cursor may lag behind it, after a restored backup say."""
    # By cursor and not by instant: after an outage the instants are more than a query of SQLite may have parameters.
    rows = Task.objects.filter(schedule__in=[schedule for schedule, _ in plans], due_at__gt=F("schedule__cursor"))
    return {(row.schedule_id, row.due_at) for row in rows.only("schedule_id", "due_at")}


def _cancel_open(schedule: Schedule, now: datetime) -> None:
    reason = "replaced by a later occurrence, for overlap is replace"
    for pk in Task.objects.filter(schedule=schedule, status__in=OPEN).values_list("pk", flat=True):
        ledger.cancel(pk, reason=reason, now=now)
    # Members that run are asked to stop by upkeep: not under the locks of this transaction.
    for pk in Workflow.objects.filter(schedule=schedule, status=Status.RUNNING).values_list("pk", flat=True):
        dependencies.cancel(pk, reason=reason, now=now)


def _task(schedule: Schedule, decision: Decision | None, now: datetime, woken_by: str, hand_over: timedelta) -> Task:
    status = decision.status if decision else Status.QUEUED
    return Task(
        schedule=schedule,
        name=schedule.name,
        description=schedule.description,
        job=schedule.job,
        parameters=schedule.parameters,
        priority=schedule.priority,
        queue=schedule.queue,
        retries=schedule.retries,
        soft_timeout=schedule.soft_timeout,
        timeout=schedule.timeout,
        on_lost=schedule.on_lost,
        due_at=decision.due_at if decision else None,
        woken_by=woken_by,
        status=status,
        reason=decision.reason if decision else "",
        executor=schedule.runs_on,
        host=schedule.host if executor(schedule.runs_on).in_process else "",
        send_at=now + hand_over if status == Status.QUEUED else None,
        finished_at=now if status in {Status.SKIPPED, Status.MISSED} else None,
    )
