"""Why has it not run? What a task or a schedule waits for just now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scheduling import limit_states, processes, queues
from scheduling.executor import executor
from scheduling.host_states import silent_names
from scheduling.hosts import OVERDUE_AFTER
from scheduling.lifecycle import FINISHED, OPEN, Status
from scheduling.models import Overlap, Schedule, SyncState, Task
from scheduling.owners import visible

# Of many tasks that are waited for, so many are named.
MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a stable code for programs, and a text for people."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All reasons that are known, the most telling first. `next_look_at` is when somebody will look again, or None."""

    reasons: tuple[Reason, ...]
    next_look_at: datetime | None


def of_task(task: Task) -> Explanation:
    """Why the task has not run, runs, or will not run. Asks for processes and hosts only where it is queued."""
    limit = _limit_of(task)
    next_look = limit.look_at if limit is not None else task.wait_until or task.send_at
    return Explanation(tuple(_of_task(task, limit)), next_look)


def of_schedule(schedule: Schedule, *, now: datetime) -> Explanation:
    """Why the schedule has not run: what it says itself, its native entries, its host or Beat, and its last task."""
    return Explanation(tuple(_of_schedule(schedule, now)), schedule.next_due_at)


def _limit_of(task: Task) -> limit_states.LimitState | None:
    """The limit that keeps a queued task from starting, if one does."""
    kept = task.status == Status.QUEUED and task.place_until is None
    return limit_states.of(task.waits_for_limit) if kept and task.waits_for_limit else None


def _of_task(task: Task, limit: limit_states.LimitState | None) -> Iterator[Reason]:
    because = f": {task.reason}" if task.reason else ""
    if task.status in FINISHED:
        yield Reason("has_ended", f"It is {task.status}{because}.")
    elif task.status == Status.RUNNING:
        asked = " It was asked to stop." if task.cancel_asked_at else ""
        yield Reason("runs", f"It runs in process {task.process or 'unknown'}.{asked}")
    elif limit is not None:
        yield _over(task, limit)
    elif task.status == Status.QUEUED:
        yield from _of_queued(task)
    elif task.status == Status.RETRYING:
        yield Reason("waits_for_retry", f"Its last attempt failed, and it is tried again at {_utc(task.wait_until)}.")
    elif task.wait_until is not None:
        yield Reason("waits_for_its_time", f"It waits for its time, {_utc(task.wait_until)}.")
    elif task.workflow_id is not None:
        yield Reason("waits_for_workflow", f"It waits for earlier tasks of workflow {task.workflow_id}.")
    else:
        yield from _waits_for_others(task)


def _over(task: Task, limit: limit_states.LimitState) -> Reason:
    before = limit_states.before(task, limit.target)
    when = f"at {_utc(limit.look_at)}" if limit.look_at else "when one of these ends"
    said = (
        f"It waits for the limit {limit.target} ({limit.limit}): running {limit.running}, waiting before it {before}."
    )
    return Reason("waits_for_limit", f"{said} The next may start {when}.")


def _of_queued(task: Task) -> Iterator[Reason]:
    if task.host and task.host in silent_names():
        yield Reason("host_is_silent", f"It must run on {task.host}, which gives no sign of life.")
    for said in queues.not_taken([task]):
        yield Reason("no_worker", f"It is queued, and {said}.")
    if executor(task.executor).in_process:
        yield Reason("waits_for_agent", f"It waits for the agent on {task.host}.")
    elif task.sends:
        times = "once" if task.sends == 1 else f"{task.sends} times"
        yield Reason("waits_for_worker", f"It was handed over {times}, and no worker has begun it yet.")
    else:
        since = task.event_log.order_by("-number").values_list("at", flat=True).first()
        yield Reason("not_handed_over", f"The broker has not taken it since {_utc(since)}.")


def _waits_for_others(task: Task) -> Iterator[Reason]:
    earlier = visible(Task.objects).filter(schedule=task.schedule_id, status__in=OPEN, pk__lt=task.pk).order_by("pk")
    ids = ", ".join(map(str, earlier.values_list("pk", flat=True)[:MOST_NAMED]))
    yield Reason("waits_for_task", f"It waits for the end of task {ids}." if ids else "It waits for its schedule.")


def _of_schedule(schedule: Schedule, now: datetime) -> Iterator[Reason]:
    if schedule.paused:
        yield Reason("paused", "It is paused.")
    elif schedule.next_due_at is None:
        yield Reason("never_due", "It is not due any more: see ends_at.")
    elif now - schedule.next_due_at >= OVERDUE_AFTER:
        yield Reason("overdue", f"It is due since {_utc(schedule.next_due_at)}, and nobody has decided it.")
    else:
        yield Reason("not_due", f"It is due next at {_utc(schedule.next_due_at)}.")
    if schedule.sync_state != SyncState.IN_SYNC:
        yield Reason("not_in_sync", f"Its native entries are {schedule.sync_state}. {schedule.sync_error}".strip())
    if schedule.host:
        if schedule.host in silent_names():
            yield Reason("host_is_silent", f"{schedule.host}, whose crontab wakes it, gives no sign of life.")
    elif not processes.alive_now().filter(kind=schedule.routed_to).exists():
        yield Reason("nobody_wakes", f"No process of {schedule.routed_to} is known to be alive.")
    yield from _of_its_tasks(schedule)


def _of_its_tasks(schedule: Schedule) -> Iterator[Reason]:
    tasks = visible(Task.objects).filter(schedule=schedule).order_by("-pk")
    still = tasks.filter(status__in=OPEN).first()
    if still is not None and schedule.overlap != Overlap.ALLOW:
        yield Reason("task_is_open", f"Task {still.pk} is {still.status}; overlap is {schedule.overlap}.")
    last = tasks.first()
    if last is not None and last.status in {Status.SKIPPED, Status.MISSED, Status.CANCELLED}:
        yield Reason("last_did_not_run", f"Its last task, {last.pk}, is {last.status}: {last.reason}.")


def _utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else "a time that is not known"
