"""Deletes finished tasks that are too old or too many, in batches.

A batch takes as many statements for a thousand tasks as for one: one on PostgreSQL. None of them is Django's cascade,
which would read each row that it deletes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import CASCADE, Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from scheduling import audit, drift_log, lateness_log, ledger, processes, statistics, tag_sets
from scheduling.lifecycle import FINISHED, Status
from scheduling.models import Task, Workflow, WorkflowNode

# Each batch is a transaction: deleting all at once would hold up everybody else who writes.
BATCH: Final = 1_000
# One call deletes at most this many tasks. The next calls delete the rest.
MOST: Final = 5_000


def prune(*, now: datetime) -> int:
    """Delete finished tasks that are too old or too many, with their attempts, events and log lines.

    Returns their number, at most MOST. Open tasks are never deleted. An ended workflow is deleted when none of its
    tasks is left. Any number of processes may call it at once: each deletes different tasks (PostgreSQL) or waits for
    the lock (SQLite).
    """
    deleted = 0
    for which, order in _deletable(now):
        while deleted < MOST and (batch := _delete_batch(which, order)):
            deleted += batch
    _delete_empty_workflows()
    drift_log.prune(now=now)
    lateness_log.prune(now=now)
    audit.prune(now=now)
    tag_sets.prune(now=now)
    statistics.prune(now=now)
    ledger.forget_unused_limits(now=now)
    processes.forget_old()
    return deleted


def _deletable(now: datetime) -> Iterator[tuple[Q, str]]:
    """Which tasks may go, and which of them first: those that are too old, then those that are too many."""
    yield Q(finished_at__lt=now - timedelta(days=settings.TANDEM_KEEP_DAYS)), "finished_at"
    edge = _edge()
    if edge is not None:
        yield Q(pk__lte=edge), "pk"


def _edge() -> int | None:
    """The newest of the tasks that are not among the newest TANDEM_KEEP_TASKS; None where all are."""
    first, last = (Task.objects.order_by(order).values_list("pk", flat=True).first() for order in ("pk", "-pk"))
    # Two looks at the index spare reading it where there cannot be that many.
    if first is None or last is None or last - first < settings.TANDEM_KEEP_TASKS:
        return None
    newest = Task.objects.order_by("-pk").values_list("pk", flat=True)
    return newest[settings.TANDEM_KEEP_TASKS : settings.TANDEM_KEEP_TASKS + 1].first()


def _delete_batch(which: Q, order: str) -> int:
    """Delete one batch of finished tasks, the first by `order`, with what refers to them. Returns their number.

    Tasks of running workflows stay: these may still hand on their results.
    """
    finished = Task.objects.filter(which, status__in=FINISHED).exclude(workflow__status=Status.RUNNING)
    # The row of a coming occurrence that is to be left out: without it, the occurrence would run.
    finished = finished.filter(Q(due_at__isnull=True) | Q(due_at__lte=Now()))
    locked = finished.select_for_update(skip_locked=True, of=("self",)).order_by(order)
    batch = locked.values_list("pk", flat=True)[:BATCH]
    related: list[Any] = list(Task._meta.related_objects)  # noqa: SLF001 - Django's documented way to the relations
    with transaction.atomic():
        if any(one.related_model._meta.app_label != Task._meta.app_label for one in related):  # noqa: SLF001 - as above
            # A table of somebody else's may want signals, and others may refer to it.
            ids = list(batch)
            Task.objects.filter(pk__in=ids).delete()
            return len(ids)
        return _delete_at_once(batch, related) if connection.vendor == "postgresql" else _delete(batch, related)


def _delete(batch: QuerySet[Any], related: Sequence[Any]) -> int:
    """Delete a batch of tasks with the rows that refer to them, one table after the other."""
    ids = list(batch)
    if ids:
        for one in related:
            rows = one.related_model.objects.filter(**{f"{one.field.name}__in": ids})
            if one.on_delete is CASCADE:
                _delete_rows(rows)
            else:
                rows.update(**{one.field.name: None})
        _delete_rows(Task.objects.filter(pk__in=ids))
    return len(ids)


def _delete_at_once(batch: QuerySet[Any], related: Sequence[Any]) -> int:
    """The same in one statement of PostgreSQL: the ids never leave the database."""
    selected, parameters = batch.query.sql_with_params()
    parts = [f"doomed (id) AS MATERIALIZED ({selected})"]
    for number, one in enumerate(related):
        column = connection.ops.quote_name(one.field.column)
        change = "DELETE FROM {0} USING doomed" if one.on_delete is CASCADE else "UPDATE {0} SET {1} = NULL FROM doomed"
        part = change + " WHERE {0}.{1} = doomed.id"
        parts.append(f"part_{number} AS ({part.format(_table(one.related_model), column)})")
    tasks = _table(Task)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {', '.join(parts)} DELETE FROM {tasks} USING doomed WHERE {tasks}.id = doomed.id",  # noqa: S608 - only names of our own tables
            parameters,
        )
        return int(cursor.rowcount)


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001 - Django's documented way to the table


def _delete_rows(rows: QuerySet[Any]) -> None:
    rows._raw_delete(rows.db)  # noqa: SLF001 - Django has no public way without a cascade; it deletes so itself


def _delete_empty_workflows() -> None:
    """Delete ended workflows that have no tasks any more, at most as many batches as of tasks."""
    kept = Task.objects.filter(workflow=OuterRef("pk"))
    empty = Workflow.objects.exclude(status=Status.RUNNING).filter(~Exists(kept)).order_by("pk")
    for _ in range(MOST // BATCH):
        ids = list(empty.values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        with transaction.atomic():
            _delete_rows(WorkflowNode.objects.filter(workflow__in=ids))
            _delete_rows(Workflow.objects.filter(pk__in=ids))
