"""The places under limits: a task that a limit concerns starts only if it gets one.

Places are counted from the rows of tasks, and stored nowhere else. A RUNNING task has a place. A task for which a place
is kept (`give_places`) has it for a while, too. So a place is free again however its task has ended. A task without a
place stays QUEUED. It waits for the limit, and its message at the broker is used up. The process that ends a task of
that limit hands the next one over.

Locks are taken in this order: first those of limits, by target, then those of tasks. While several tasks are locked,
no other process is waited for.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from scheduling import limits_in_force
from scheduling.ledger.handing_over import UNCLAIMED_AFTER
from scheduling.lifecycle import Status
from scheduling.models import Task, TaskLimit
from scheduling.task_limits import JOB, KEY, MOST, QUEUE

# A place is kept so long for a task that was handed over. Then others may have it: no worker may take its queue.
KEPT: Final = timedelta(seconds=30)
# Rows of limits that one call of `forget_unused_limits` looks at.
BATCH: Final = 1_000
_IN_TURN: Final = ("-priority", "pk")


def give_places(targets: Collection[str], *, now: datetime) -> list[Task]:
    """Keep the free places under these limits for the tasks that wait for them, the most urgent and oldest first.

    Returns those tasks, not handed over yet. Where a limit lets no more start for a while, its next task is looked at
    then (`wait_until`). Without limits it costs nothing.
    """
    if not targets:
        return []
    found: list[Task] = []
    with transaction.atomic():
        for row in TaskLimit.objects.select_for_update().filter(pk__in=list(targets)).order_by("pk"):
            found += _give(row, now)
    return found


def places_of(task_id: int) -> Collection[str]:
    """The limits whose places somebody else may have, since this task was not claimed: all of one that waits for one.

    Without any limit it costs nothing.
    """
    if not limits_in_force.any_set():
        return ()
    task = Task.objects.filter(pk=task_id, status=Status.QUEUED, waits_for_limit__isnull=False).first()
    return limits_in_force.of(task, in_process=bool(task.host)) if task is not None else ()


def waited_for() -> list[str]:
    """The limits that tasks wait for."""
    found = all_waiting().order_by().values_list("waits_for_limit", flat=True).distinct()
    return sorted(target for target in found if target)


def forget_unused_limits(*, now: datetime) -> None:
    """Delete the rows of limits that are as if nothing had ever started, one BATCH: each key has a row of its own."""
    with transaction.atomic():
        unused = TaskLimit.objects.filter(Q(all_free_at=None) | Q(all_free_at__lte=now))
        # Nobody begins to wait for a limit whose row we hold.
        held = [row.pk for row in unused.select_for_update(skip_locked=True).order_by("pk")[:BATCH]]
        kept = Task.objects.filter(status=Status.QUEUED, waits_for_limit__in=held)
        used = set(kept.order_by().values_list("waits_for_limit", flat=True).distinct())
        TaskLimit.objects.filter(pk__in=set(held) - used).delete()


def running(target: str) -> QuerySet[Task]:
    """The tasks that have a place under the limit and run."""
    # Compared with '' in between, so that no index on the name is taken: it has all tasks there ever were.
    kind, name = target.partition(":")[::2]
    field = {JOB: "job", QUEUE: "queue", KEY: "limit_key"}[f"{kind}:"]
    tasks = Task.objects.filter(status=Status.RUNNING).alias(named=Coalesce(F(field), Value("")))
    if f"{kind}:" != QUEUE:
        return tasks.filter(named=name)
    return tasks.filter(host="", named__in=[name, ""] if name == settings.TANDEM_DEFAULT_QUEUE else [name])


def waiting(target: str) -> QuerySet[Task]:
    """The tasks that wait for a place under the limit, and have none kept for them."""
    return all_waiting().filter(waits_for_limit=target)


def all_waiting() -> QuerySet[Task]:
    """The tasks that wait for a place under any limit."""
    return Task.objects.filter(status=Status.QUEUED, waits_for_limit__isnull=False, place_until=None)


def has_place_for(task: Task, row: TaskLimit, now: datetime) -> bool:
    """Whether the task may start by this limit: there is a place, kept for it, or free while nobody before it waits."""
    kept = task.waits_for_limit == row.target and task.place_until is not None and task.place_until > now
    if _free(row, now) + kept < 1:
        return False
    before = Q(priority__gt=task.priority) | Q(priority=task.priority, pk__lt=task.pk)
    return kept or not waiting(row.target).filter(before).exists()


def _free(row: TaskLimit, now: datetime) -> int:
    """How many places are neither taken nor kept for somebody; below 0 where the limit was lowered."""
    limit, free = row.limit, MOST
    if limit.concurrency is not None:
        free = limit.concurrency - running(row.target).count()
    if limit.rate:
        free = min(free, limit.starts_left(row.all_free_at, now))
    return free - _kept(row, now).count()


def _kept(row: TaskLimit, now: datetime) -> QuerySet[Task]:
    """The tasks that a place under the limit is kept for."""
    return Task.objects.filter(status=Status.QUEUED, waits_for_limit=row.target, place_until__gt=now)


def let_wait(task: Task, row: TaskLimit, now: datetime) -> None:
    """Have the task wait for the limit, with nothing at the broker. A rate also says when to look again."""
    without = {"place_until": None, "wait_until": None, "send_at": None, "sends": 0}
    Task.objects.filter(pk=task.pk, attempt=task.attempt, status=Status.QUEUED).update(
        waits_for_limit=row.target, **without
    )
    _look_again(row, now)


def _give(row: TaskLimit, now: datetime) -> list[Task]:
    free = max(_free(row, now), 0)
    tasks = list(waiting(row.target).order_by(*_IN_TURN).select_for_update(skip_locked=True)[:free])
    given = {"place_until": now + KEPT, "send_at": now + UNCLAIMED_AFTER, "wait_until": None}
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(**given)
    for task in tasks:
        for name, value in given.items():
            setattr(task, name, value)
    _look_again(row, now)
    return tasks


def _look_again(row: TaskLimit, now: datetime) -> None:
    """Have the next task that waits be looked at when the rate lets it start. By concurrency, an end tells it."""
    if not row.rate:
        return
    looked_at = waiting(row.target).filter(wait_until__isnull=False).select_for_update(skip_locked=True)
    Task.objects.filter(pk__in=[task.pk for task in looked_at]).update(wait_until=None)
    kept = _kept(row, now).count()
    if row.limit.starts_left(row.all_free_at, now) > kept:
        return
    at = row.limit.next_start(row.all_free_at, now, reserved=kept)
    first = waiting(row.target).order_by(*_IN_TURN).select_for_update(skip_locked=True).first()
    if first is not None:
        Task.objects.filter(pk=first.pk).update(wait_until=at)
