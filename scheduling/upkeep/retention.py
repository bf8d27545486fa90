"""Deletes finished tasks that are too old or too many, in batches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from scheduling import drift_log, processes
from scheduling.lifecycle import FINISHED, Status
from scheduling.models import Task, Workflow

# Each batch is a transaction: deleting all at once would hold up everybody else who writes.
BATCH: Final = 500
# One call deletes at most this many batches. The next calls delete the rest.
BATCHES: Final = 20


def prune(*, now: datetime) -> int:
    """Delete finished tasks that are too old or too many, with their attempts, events and log lines.

    Returns their number, at most BATCH * BATCHES, oldest first. Open tasks are never deleted. An ended workflow is
    deleted when none of its tasks is left.
    """
    deleted = 0
    for _ in range(BATCHES):
        ids = _too_old(now) or _too_many()
        if not ids:
            break
        with transaction.atomic():
            Task.objects.filter(pk__in=ids, status__in=FINISHED).delete()
        deleted += len(ids)
    _delete_empty_workflows()
    drift_log.prune(now=now)
    processes.forget_old()
    return deleted


def _deletable() -> QuerySet[Task]:
    """Finished tasks, except those of running workflows, which may still hand on their results."""
    return Task.objects.filter(status__in=FINISHED).exclude(workflow__status=Status.RUNNING)


def _delete_empty_workflows() -> None:
    """Delete one batch of ended workflows that have no tasks any more."""
    kept = Task.objects.filter(workflow=OuterRef("pk"))
    empty = Workflow.objects.exclude(status=Status.RUNNING).filter(~Exists(kept)).order_by("pk")
    Workflow.objects.filter(pk__in=list(empty.values_list("pk", flat=True)[:BATCH])).delete()


def _too_old(now: datetime) -> list[int]:
    before = now - timedelta(days=settings.TANDEM_KEEP_DAYS)
    old = _deletable().filter(finished_at__lt=before)
    return list(old.order_by("finished_at").values_list("pk", flat=True)[:BATCH])


def _too_many() -> list[int]:
    newest = Task.objects.order_by("-pk").values_list("pk", flat=True)
    # The newest TANDEM_KEEP_TASKS tasks are kept. This is the newest of the others.
    edge = next(iter(newest[settings.TANDEM_KEEP_TASKS : settings.TANDEM_KEEP_TASKS + 1]), None)
    if edge is None:
        return []
    many = _deletable().filter(pk__lte=edge)
    return list(many.order_by("pk").values_list("pk", flat=True)[:BATCH])
