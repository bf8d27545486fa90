"""What the ledger stores when a queued task is handed over, and when the task is handed over again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from django.db import connection, transaction

from scheduling.ledger.given_rows import as_parameter, given_rows
from scheduling.ledger.tables import TASK, written
from scheduling.lifecycle import Status
from scheduling.models import Task

# Handing over a queued task takes some time after the commit. Only after this time does the task count as unclaimed.
UNCLAIMED_AFTER: Final = timedelta(seconds=5)
# A task that was handed over and not claimed is sent again after this pause. Each further pause is twice as long.
SEND_AGAIN: Final = timedelta(minutes=1)
# The pause before a task is sent again doubles at most this many times.
MOST_DOUBLINGS: Final = 6
# `sends` is counted up to here: its column ends at 32,767. The pause has long been at its longest then.
MOST_SENDS: Final = 10_000


def hold(tasks: Sequence[Task], *, now: datetime) -> list[Task]:
    """Put off the time from which the tasks count as unclaimed, to UNCLAIMED_AFTER from `now`.

    Returns those that nobody else has taken to hand over, since they were stored or read.
    """
    known = {task.pk: task.send_at for task in tasks}
    with transaction.atomic():
        rows = Task.objects.select_for_update().filter(pk__in=known, status=Status.QUEUED).values_list("pk", "send_at")
        ours = {pk for pk, send_at in rows if send_at == known[pk]}
        Task.objects.filter(pk__in=ours).update(send_at=now + UNCLAIMED_AFTER)
    return [task for task in tasks if task.pk in ours]


def sent(tasks: Iterable[Task], *, now: datetime) -> None:
    """Record that tasks were handed over, and when to send them again if they are not claimed (`send_again_after`).

    Only the attempt that was handed over counts: it may have failed by now, and the next one may be queued already.
    That one is due at its own time. One statement for all of them.
    """
    rows = [(task.pk, task.attempt, now + send_again_after(task.sends)) for task in tasks]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_sent(connection.vendor), [as_parameter(rows), MOST_SENDS, Status.QUEUED.value])


def send_again_after(sends: int) -> timedelta:
    """The pause before a task is sent again, at most one hour. `sends` counts the sendings before the last one."""
    return min(SEND_AGAIN * (1 << min(sends, MOST_DOUBLINGS)), timedelta(hours=1))


@cache
def _sent(_vendor: str) -> str:
    """The statement of `sent` for this vendor of databases."""
    given = given_rows("given", TASK, ("id", "attempt", "send_at"))
    return f"WITH {given} " + written(
        "UPDATE {task} SET {task.send_at} = given.{task.send_at}, "
        "{task.sends} = CASE WHEN {task}.{task.sends} < %s THEN {task}.{task.sends} + 1 ELSE {task}.{task.sends} END "
        "FROM given WHERE {task}.{task.id} = given.{task.id} AND {task}.{task.attempt} = given.{task.attempt} "
        # Joined with '', the status finds no index: SQLite would compare every queued task with every given row.
        "AND {task}.{task.status} || '' = %s "
        # A worker may have found meanwhile that the task is over a limit: then the broker holds nothing of it.
        "AND ({task.waits_for_limit} IS NULL OR {task.place_until} IS NOT NULL)"
    )
