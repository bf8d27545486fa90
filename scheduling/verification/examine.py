"""All checks, over all rows: chunk after chunk in the order of primary keys, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final, TypeVar

from django.db.models import Case, Model, QuerySet, When
from django.db.models.fields.json import KeyTextTransform

from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task, TaskAttempt, TaskEvent, Workflow
from scheduling.verification.history import History, check_attempts, check_events, check_fields
from scheduling.verification.mismatch import Mismatch, Scope
from scheduling.verification.occurrences import check_schedule, kept_since
from scheduling.verification.waiting import check_open
from scheduling.verification.workflows import check_workflows

# Rows in memory at a time; the events of a task are not among them, for a task may have any number.
CHUNK: Final = 1_000
# What the checks need: no parameters, results and errors, which may be large.
_TASK: Final = (
    "schedule", "workflow", "status", "attempt", "process", "events", "wait_until", "expires", "cancel_asked_at",
    "send_at", "created_at", "started_at", "finished_at", "host",
)  # fmt: skip
_ATTEMPT: Final = ("task", "number", "status", "started_at", "ended_at")

Row = TypeVar("Row", bound=Model)


def examine(scope: Scope) -> Iterator[Mismatch]:
    """Yield what differs. `scope.counts` then says how many rows were read. Call it inside a `snapshot`."""
    yield from _schedules(scope)
    yield from _tasks(scope)
    yield from _workflows(scope)


def _schedules(scope: Scope) -> Iterator[Mismatch]:
    kept_from = kept_since(scope.now)
    rows = Schedule.objects.all() if scope.schedule is None else Schedule.objects.filter(pk=scope.schedule)
    for chunk in _chunks(rows):
        scope.counts["schedules"] += len(chunk)
        for schedule in chunk:
            yield from check_schedule(schedule, scope, kept_from=kept_from)


def _tasks(scope: Scope) -> Iterator[Mismatch]:
    for chunk in _chunks(_within(Task.objects.only(*_TASK), scope)):
        scope.counts["tasks"] += len(chunk)
        ids = [task.pk for task in chunk]
        histories, attempts = _histories(ids, scope), _attempts(ids, scope)
        for task in chunk:
            history = histories.get(task.pk, History())
            yield from check_events(task, history)
            yield from check_attempts(task, attempts.get(task.pk, []), history)
            yield from check_fields(task)
        yield from check_open(chunk, now=scope.now)


def _workflows(scope: Scope) -> Iterator[Mismatch]:
    for chunk in _chunks(_within(Workflow.objects.only("status", "finished_at"), scope)):
        scope.counts["workflows"] += len(chunk)
        yield from check_workflows(chunk, now=scope.now)


def _within(rows: QuerySet[Row], scope: Scope) -> QuerySet[Row]:
    if scope.schedule is not None:
        rows = rows.filter(schedule=scope.schedule)
    return rows if scope.since is None else rows.filter(created_at__gte=scope.since)


def _chunks(rows: QuerySet[Row]) -> Iterator[list[Row]]:
    """The rows in the order of their primary keys, CHUNK at a time."""
    chunk = list(rows.order_by("pk")[:CHUNK])
    while chunk:
        yield chunk
        chunk = list(rows.filter(pk__gt=chunk[-1].pk).order_by("pk")[:CHUNK])


def _histories(ids: list[int], scope: Scope) -> dict[int, History]:
    """What the events say of each task. They are read one after another and not kept."""
    # Of the details, which may hold a result of a megabyte, the database sends one number.
    claimed = Case(When(status=Status.RUNNING, then=KeyTextTransform("attempt", "detail")))
    events = TaskEvent.objects.filter(task__in=ids).order_by("task_id", "number").annotate(claimed=claimed)
    found: dict[int, History] = {}
    rows: Iterator[tuple[Any, ...]] = events.values_list("task_id", "number", "status", "claimed").iterator(CHUNK)
    for task_id, of_task in groupby(rows, key=itemgetter(0)):
        history = found[task_id] = History()
        for _, number, status, attempt in of_task:
            history.take(number, status, None if attempt is None else int(attempt))
        scope.counts["events"] += history.count
    return found


def _attempts(ids: list[int], scope: Scope) -> dict[int, list[TaskAttempt]]:
    rows = TaskAttempt.objects.filter(task__in=ids).only(*_ATTEMPT).order_by("task_id", "number")
    found = {task_id: list(of_task) for task_id, of_task in groupby(rows, key=attrgetter("task_id"))}
    scope.counts["attempts"] += sum(map(len, found.values()))
    return found
