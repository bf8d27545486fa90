"""The runs that the jobs wrote down, compared with the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Q

from scheduling.lifecycle import OPEN, Status
from scheduling.models import OnLost, Task, TaskAttempt, TaskEvent, Workflow

Line = tuple[int, int, str]


def lines_of(text: str) -> list[Line]:
    """(task, attempt, what) of each line."""
    words = [line.split() for line in text.splitlines()]
    return [(int(task), int(attempt), what) for task, attempt, what in words]


def still_open(before: datetime) -> int:
    """How many tasks and workflows from before `before` are open."""
    tasks = Task.objects.filter(status__in=OPEN, created_at__lte=before)
    return tasks.count() + Workflow.objects.filter(status=Status.RUNNING, created_at__lte=before).count()


def differences(lines: Iterable[Line], promised: Iterable[int]) -> Iterator[str]:
    """What differs between the runs, what the API promised, and the ledger."""
    counts = Counter(lines)
    by_number = {
        (task, number): status
        for task, number, status in TaskAttempt.objects.values_list("task_id", "number", "status").iterator()
    }
    for (task, attempt, what), count in sorted(counts.items()):
        if count > 1:
            yield f"task {task} attempt {attempt} {what} {count} times"
        if (task, attempt) not in by_number:
            yield f"task {task} attempt {attempt} {what}, and the ledger has no such attempt"
    ours = set(Task.objects.filter(job="chaos.work").values_list("pk", flat=True))
    for (task, attempt), status in sorted(by_number.items()):
        if task in ours and status == Status.COMPLETED and not counts[task, attempt, "ends"]:
            yield f"task {task} attempt {attempt} is COMPLETED and did not end"
    yield from _retried_without_reason()
    for lost in sorted(set(promised) - set(Task.objects.values_list("pk", flat=True))):
        yield f"task {lost} was promised and is not in the ledger"


def _retried_without_reason() -> Iterator[str]:
    """A task that has no retries, and that a lost process ends, is tried again by a person only."""
    never = Task.objects.filter(Q(retries={}) | Q(retries={"max": 0}), on_lost=OnLost.FAIL)
    again = TaskEvent.objects.filter(task__in=never, status=Status.RETRYING)
    for task in again.values_list("task_id", flat=True).distinct():
        yield f"task {task} was tried again, against its policy"
