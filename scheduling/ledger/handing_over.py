"""What the ledger notes of the handing over of a queued task, and when it is handed over again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, PositiveSmallIntegerField, Value
from django.db.models.functions import Least

from scheduling.lifecycle import Status
from scheduling.models import Task

# Handing over a queued task takes some time after the commit. The task counts as unclaimed only after this time.
HAND_OVER: Final = timedelta(seconds=5)
# A task that was handed over and not claimed is sent again after this pause. Each further pause is twice as long.
SEND_AGAIN: Final = timedelta(minutes=1)
# The pause before a task is sent again doubles at most this many times.
MOST_DOUBLINGS: Final = 6
# `sends` is counted up to here: its column ends at 32,767. The pause has long been at its longest then.
MOST_SENDS: Final = 10_000


def sent(tasks: Iterable[Task], *, now: datetime) -> None:
    """Record that tasks were handed over, and when to send them again if they are not claimed (`send_again_after`).

    Only the attempt that was handed over counts: it may have failed by now, and the next one may be queued already.
    That one is due at its own time.
    """
    handed_over: dict[tuple[int, int], list[int]] = {}
    for task in tasks:
        handed_over.setdefault((task.attempt, task.sends), []).append(task.pk)
    for (attempt, sends), ids in handed_over.items():
        counted = Least(F("sends"), Value(MOST_SENDS - 1, PositiveSmallIntegerField())) + 1
        unclaimed = Task.objects.filter(pk__in=ids, attempt=attempt, status=Status.QUEUED)
        unclaimed.update(send_at=now + send_again_after(sends), sends=counted)


def send_again_after(sends: int) -> timedelta:
    """The pause before a task is sent again, at most one hour. `sends` counts the sendings before the last one."""
    return min(SEND_AGAIN * (1 << min(sends, MOST_DOUBLINGS)), timedelta(hours=1))
