"""All checks, over all rows: chunk after chunk in the order of primary keys, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter, itemgetter
from typing import Any, Final, TypeVar

from django.db.models import Case, Model, QuerySet, When
from django.db.models.fields.json import KeyTextTransform

from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task, TaskAttempt, TaskEvent, Workflow
from scheduling.verification.history import History, check_attempts, check_events, check_fields
from scheduling.verification.mismatch import Mismatch, Scope
from scheduling.verification.occurrences import check_schedules, kept_since
from scheduling.verification.rows import AttemptRow, TaskRow, of_each
from scheduling.verification.waiting import check_open
from scheduling.verification.workflows import check_workflows

# Rows in memory at a time; the events of a task are not among them, for a task may have any number.
CHUNK: Final = 1_000
# Events that the database sends at once.
_EVENTS: Final = 5_000

Row = TypeVar("Row", bound=Model)
Of = TypeVar("Of", TaskAttempt, TaskEvent)


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
        yield from check_schedules(chunk, scope, kept_from=kept_from)


def _tasks(scope: Scope) -> Iterator[Mismatch]:
    rows = _within(Task.objects.all(), scope).values_list(*TaskRow._fields)
    for chunk in _chunks(rows, key=itemgetter(0)):
        scope.counts["tasks"] += len(chunk)
        tasks = [TaskRow(*row) for row in chunk]
        ids = [task.pk for task in tasks]
        events, attempts = _events(tasks, scope), _attempts(tasks, scope)
        for task, its_events, its_attempts in zip(tasks, of_each(ids, events), of_each(ids, attempts), strict=True):
            history = History()
            for _, number, status, attempt in its_events:
                history.take(number, status, None if attempt is None else int(attempt))
            tried = [AttemptRow(*attempt) for attempt in its_attempts]
            scope.counts["events"] += history.count
            scope.counts["attempts"] += len(tried)
            yield from check_events(task, history)
            yield from check_attempts(task, tried, history)
            yield from check_fields(task)
        yield from check_open(tasks, now=scope.now)


def _workflows(scope: Scope) -> Iterator[Mismatch]:
    for chunk in _chunks(_within(Workflow.objects.only("status", "finished_at"), scope)):
        scope.counts["workflows"] += len(chunk)
        yield from check_workflows(chunk, now=scope.now)


def _within(rows: QuerySet[Row], scope: Scope) -> QuerySet[Row]:
    if scope.schedule is not None:
        rows = rows.filter(schedule=scope.schedule)
    return rows if scope.since is None else rows.filter(created_at__gte=scope.since)


def _chunks(rows: QuerySet[Any, Any], key: Callable[[Any], int] = attrgetter("pk")) -> Iterator[list[Any]]:
    """The rows in the order of their primary keys, CHUNK at a time. `key` is the primary key of a row."""
    chunk = list(rows.order_by("pk")[:CHUNK])
    while chunk:
        yield chunk
        chunk = list(rows.filter(pk__gt=key(chunk[-1])).order_by("pk")[:CHUNK])


def _events(tasks: list[TaskRow], scope: Scope) -> Iterator[tuple[Any, ...]]:
    """The events of these tasks: task, number, status and the attempt that it says began. They are not kept."""
    # Of the details, which may hold a result of a megabyte, the database sends one number.
    claimed = Case(When(status=Status.RUNNING, then=KeyTextTransform("attempt", "detail")))
    events = _of(TaskEvent.objects.all(), tasks, scope).annotate(claimed=claimed)
    return events.values_list("task_id", "number", "status", "claimed").iterator(_EVENTS)


def _attempts(tasks: list[TaskRow], scope: Scope) -> QuerySet[TaskAttempt, tuple[Any, ...]]:
    return _of(TaskAttempt.objects.all(), tasks, scope).values_list(*AttemptRow._fields)


def _of(rows: QuerySet[Of], tasks: list[TaskRow], scope: Scope) -> QuerySet[Of]:
    """Those of the rows that belong to these tasks; maybe a few of others."""
    if scope.schedule is not None:
        rows = rows.filter(task__schedule=scope.schedule)
    # A range, for it costs less than a thousand ids. Without a schedule, hardly any other task is in it.
    return rows.filter(task__gte=tasks[0].pk, task__lte=tasks[-1].pk).order_by("task_id", "number")
