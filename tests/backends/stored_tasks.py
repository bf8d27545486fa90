"""Stored tasks of a schedule, as dispatch makes them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from scheduling import ledger
from scheduling.dispatch import extra_task
from scheduling.models import Schedule, Task


def a_task(schedule: Schedule, *, now: datetime | None = None, **fields: object) -> Task:
    """A stored task that was not handed over. It is QUEUED unless `status` is given."""
    now = now or timezone.now()
    task = extra_task(schedule, now=now, woken_by="request")
    for name, value in fields.items():
        setattr(task, name, value)
    with transaction.atomic():
        ledger.record([task], now)
    return task


def statuses(schedule: Schedule) -> list[str]:
    """The statuses of the schedule's tasks, oldest first."""
    return list(Task.objects.filter(schedule=schedule).order_by("due_at", "pk").values_list("status", flat=True))
