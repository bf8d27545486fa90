"""Forgetting finished tasks, by age and by count, in batches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from scheduling import processes
from scheduling.lifecycle import FINISHED, Status
from scheduling.models import Task, Workflow

# Each batch is a transaction: deleting all at once would hold up everybody else who writes.
BATCH: Final = 500
# One call deletes so many at the most: what is left goes with the next ones.
BATCHES: Final = 20


def prune(*, now: datetime) -> int:
    """Delete finished tasks that are too old, or too many, with their attempts, events and lines.

    Returns how many went; at most BATCH * BATCHES a call, oldest first. Tasks that are open are never touched.
    """
    gone = 0
    for _ in range(BATCHES):
        ids = _too_old(now) or _too_many()
        if not ids:
            break
        with transaction.atomic():
            Task.objects.filter(pk__in=ids, status__in=FINISHED).delete()
        gone += len(ids)
    _forget_workflows()
    processes.forget_old()
    return gone


def _forgettable() -> QuerySet[Task]:
    """Finished tasks, but not those whose results a workflow that runs may still hand on."""
    return Task.objects.filter(status__in=FINISHED).exclude(workflow__status=Status.RUNNING)


def _forget_workflows() -> None:
    """A workflow that has ended goes with the last of its tasks."""
    kept = Task.objects.filter(workflow=OuterRef("pk"))
    empty = Workflow.objects.exclude(status=Status.RUNNING).filter(~Exists(kept)).order_by("pk")
    Workflow.objects.filter(pk__in=list(empty.values_list("pk", flat=True)[:BATCH])).delete()


def _too_old(now: datetime) -> list[int]:
    before = now - timedelta(days=settings.TANDEM_KEEP_DAYS)
    old = _forgettable().filter(finished_at__lt=before)
    return list(old.order_by("finished_at").values_list("pk", flat=True)[:BATCH])


def _too_many() -> list[int]:
    newest = Task.objects.order_by("-pk").values_list("pk", flat=True)
    # Where one is that many places from the newest, it and all before it are too many.
    edge = next(iter(newest[settings.TANDEM_KEEP_TASKS : settings.TANDEM_KEEP_TASKS + 1]), None)
    if edge is None:
        return []
    many = _forgettable().filter(pk__lte=edge)
    return list(many.order_by("pk").values_list("pk", flat=True)[:BATCH])
