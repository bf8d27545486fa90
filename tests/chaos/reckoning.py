"""The runs that the jobs wrote down, compared with the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Q

from scheduling.lifecycle import OPEN, Status
from scheduling.models import OnLost, Task, TaskAttempt, TaskEvent, Workflow


class Line(NamedTuple):
    """An attempt of a task `begins` or `ends`, at a time of the machine's clock, which nobody has stepped."""

    task: int
    attempt: int
    what: str
    at: datetime


def lines_of(text: str) -> list[Line]:
    """What the jobs wrote."""
    words = [line.split() for line in text.splitlines()]
    return [
        Line(int(task), int(attempt), what, datetime.fromtimestamp(float(at), UTC)) for task, attempt, what, at in words
    ]


def still_open(before: datetime) -> int:
    """How many tasks and workflows from before `before` are open."""
    tasks = Task.objects.filter(status__in=OPEN, created_at__lte=before)
    return tasks.count() + Workflow.objects.filter(status=Status.RUNNING, created_at__lte=before).count()


def differences(lines: Iterable[Line], promised: Iterable[int]) -> Iterator[str]:
    """What differs between the runs, the ids of tasks that the API promised, and the ledger."""
    counts = Counter((line.task, line.attempt, line.what) for line in lines)
    ours = TaskAttempt.objects.filter(task__job="chaos.work").values_list("task_id", "number", "status")
    attempts = {(task, number): status for task, number, status in ours.iterator()}
    for (task, attempt, what), count in sorted(counts.items()):
        if count > 1:
            yield f"task {task} attempt {attempt} {what} {count} times"
        if (task, attempt) not in attempts:
            yield f"task {task} attempt {attempt} {what}, and the ledger has no such attempt"
    for (task, attempt), status in sorted(attempts.items()):
        if status == Status.COMPLETED and not counts[task, attempt, "ends"]:
            yield f"task {task} attempt {attempt} is COMPLETED and did not end"
    yield from _retried_without_reason()
    for lost in sorted(set(promised) - set(Task.objects.values_list("pk", flat=True))):
        yield f"task {lost} was promised and is not in the ledger"


def early(lines: Iterable[Line], *, tolerance: timedelta) -> list[str]:
    """The runs of occurrences that began before they were due, and that nobody asked for by a retry."""
    asked = TaskEvent.objects.filter(detail__retry=True).values("task")
    waits = Task.objects.exclude(due_at=None).exclude(pk__in=asked)
    due = {pk: due_at for pk, due_at in waits.values_list("pk", "due_at") if due_at is not None}
    begins = [(line, due[line.task] - line.at) for line in lines if line.what == "begins" and line.task in due]
    return [f"task {line.task} began {span} too early" for line, span in begins if span > tolerance]


def _retried_without_reason() -> Iterator[str]:
    """A task that has no retries, and that a lost process ends, is tried again by a person only."""
    never = Task.objects.filter(Q(retries={}) | Q(retries={"max": 0}), on_lost=OnLost.FAIL)
    again = TaskEvent.objects.filter(task__in=never, status=Status.RETRYING)
    for task in again.values_list("task_id", flat=True).distinct():
        yield f"task {task} was tried again, against its policy"
