"""Forgetting finished tasks, by age and by count, in batches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from scheduling.lifecycle import FINISHED
from scheduling.models import Task

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
    return gone


def _too_old(now: datetime) -> list[int]:
    before = now - timedelta(days=settings.TANDEM_KEEP_DAYS)
    old = Task.objects.filter(finished_at__lt=before, status__in=FINISHED)
    return list(old.order_by("finished_at").values_list("pk", flat=True)[:BATCH])


def _too_many() -> list[int]:
    newest = Task.objects.order_by("-pk").values_list("pk", flat=True)
    # Where one is that many places from the newest, it and all before it are too many.
    edge = next(iter(newest[settings.TANDEM_KEEP_TASKS : settings.TANDEM_KEEP_TASKS + 1]), None)
    if edge is None:
        return []
    many = Task.objects.filter(pk__lte=edge, status__in=FINISHED)
    return list(many.order_by("pk").values_list("pk", flat=True)[:BATCH])
