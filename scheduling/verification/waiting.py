"""Which open tasks are forgotten: no process will look at them again?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Max, Q, QuerySet

from scheduling.execution.watch import END_AFTER
from scheduling.host_states import silent_names
from scheduling.lifecycle import OPEN, WAITING, Status
from scheduling.models import Process, Task, Workflow, WorkflowNode
from scheduling.upkeep.lost_attempts import LOST_AFTER
from scheduling.verification.mismatch import OVERDUE, Mismatch, shown
from scheduling.verification.rows import TaskRow

# An attempt whose process is silent for LOST_AFTER is given up; its observers may be late themselves.
UNHEARD: Final = LOST_AFTER + OVERDUE
# A job that was asked to stop is ended after END_AFTER; where its process is gone, it is given up.
STOPPING: Final = END_AFTER + UNHEARD


def check_open(tasks: Sequence[TaskRow], *, now: datetime) -> Iterator[Mismatch]:
    """Each open task waits for something that will come, or runs in a process that lives. `tasks` are a chunk."""
    opened = [task for task in tasks if task.status in OPEN]
    lost = silent_names() if any(task.host and task.status == Status.QUEUED for task in opened) else set()
    for task in opened:
        yield from _late(task, now, waits=task.host in lost)
    yield from _unheard([task for task in opened if task.status == Status.RUNNING], now)
    yield from _members(opened)
    waiting = [task for task in opened if task.status == Status.SCHEDULED and task.wait_until is None]
    yield from _held_back([task for task in waiting if task.workflow_id is None], now)


def _late(task: TaskRow, now: datetime, *, waits: bool) -> Iterator[Mismatch]:
    """What has a time has not passed it by more than OVERDUE; but for what `waits` for a host that is lost."""
    queued = task.status == Status.QUEUED and not waits
    rules = (
        ("its time", task.wait_until, task.status in WAITING, OVERDUE, "it is queued"),
        ("its hand-over", task.send_at, queued, OVERDUE, "it is claimed or sent again"),
        ("its expiry", task.expires, task.status != Status.RUNNING, OVERDUE, "it is cancelled"),
        ("the request to stop", task.cancel_asked_at, task.status == Status.RUNNING, STOPPING, "it has ended"),
    )
    for what, moment, counts, bound, expected in rules:
        if counts and moment is not None and now - moment > bound:
            found = f"it is {task.status}, and {what} was at {shown(moment)}"
            yield Mismatch("task", task.pk, "open: late", found, f"{expected} within {bound}")


def _unheard(running: Sequence[TaskRow], now: datetime) -> Iterator[Mismatch]:
    """What runs for longer than UNHEARD has a process whose pulse was seen within UNHEARD."""
    old = [task for task in running if task.started_at is not None and now - task.started_at > UNHEARD]
    seen = dict(Process.objects.filter(key__in={task.process for task in old}).values_list("key", "seen_at"))
    for task in old:
        pulse = seen.get(task.process)
        if pulse is None or now - pulse > UNHEARD:
            found = f"it is RUNNING, and its process was last seen at {shown(pulse)}"
            yield Mismatch("task", task.pk, "open: process", found, f"a living process, or given up within {UNHEARD}")


def _members(opened: Sequence[TaskRow]) -> Iterator[Mismatch]:
    """An open member of a workflow has a node there: without one, nothing moves it on."""
    members = [task for task in opened if task.workflow_id is not None]
    nodes = WorkflowNode.objects.filter(task__in=[task.pk for task in members])
    known = set(nodes.values_list("task_id", flat=True))
    for task in members:
        if task.pk not in known:
            yield Mismatch(
                "task", task.pk, "open: member", f"no node of workflow {task.workflow_id} has it", "one node"
            )


def _held_back(waiting: Sequence[TaskRow], now: datetime) -> Iterator[Mismatch]:
    """A task without a time waits for an earlier task of its schedule, or for a workflow that one has started."""
    of_these = Q(schedule__in={task.schedule_id for task in waiting if task.schedule_id is not None})
    tasks, workflows = Task.objects.filter(of_these).order_by(), Workflow.objects.filter(of_these).order_by()
    busy = {*tasks.filter(status__in=OPEN - {Status.SCHEDULED}).values_list("schedule_id", flat=True)}
    busy |= {*workflows.filter(status=Status.RUNNING).values_list("schedule_id", flat=True)}
    idle = [task for task in waiting if task.schedule_id not in busy]
    of_idle = Q(schedule__in={task.schedule_id for task in idle}, finished_at__isnull=False)
    ends = [end for rows in (tasks, workflows) for end in _last_ends(rows.filter(of_idle))]
    for task in idle:
        free = max([task.created_at, *(end for schedule, end in ends if schedule == task.schedule_id)])
        if now - free > OVERDUE:
            found = f"it waits for an earlier task of its schedule, and none is open since {shown(free)}"
            yield Mismatch("task", task.pk, "open: held back", found, f"it is queued within {OVERDUE}")


def _last_ends(ended: QuerySet[Any]) -> list[tuple[int, datetime]]:
    """For each schedule, when the last of these tasks or workflows ended."""
    return list(ended.values_list("schedule_id").annotate(Max("finished_at")))
