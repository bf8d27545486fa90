"""Tasks of a schedule as dispatch would have stored them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from scheduling import dispatch, ledger
from scheduling.models import Schedule, Task
from scheduling.occurrences import new_task


def a_task(schedule: Schedule, *, now: datetime | None = None, **fields: object) -> Task:
    """A stored task that nobody handed over yet: QUEUED unless said otherwise."""
    now = now or timezone.now()
    task = new_task(schedule, now=now, woken_by="request", hand_over=dispatch.HAND_OVER)
    for name, value in fields.items():
        setattr(task, name, value)
    with transaction.atomic():
        ledger.record([task], now)
    return task
