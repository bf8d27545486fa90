"""Whether a task may start: the claim. A task that limits concern also needs a place under each of them (places.py).

A claim holds the locks of the task's limits, so two claims never take the same place. Locks are taken in this order:
first those of limits, by target, then those of tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from django.conf import settings
from django.db import transaction

from scheduling import limits_in_force
from scheduling.ledger import attempts
from scheduling.ledger.places import has_place_for, let_wait
from scheduling.ledger.tables import written
from scheduling.lifecycle import Status
from scheduling.models import Task, TaskLimit
from scheduling.task_limits import EACH_KEY, JOB, KEY, QUEUE, Limit

_NO_PLACE: Final = {"waits_for_limit": None, "place_until": None, "wait_until": None}


def claim(
    task_id: int, attempt: int, *, worker: str, now: datetime, process: str = "", has_run: bool = False
) -> Task | None:
    """Start the attempt: QUEUED becomes RUNNING. One caller gets the task; all others get None.

    All callers get None when the task has expired or was asked to stop, when `attempt` is not its present attempt, and
    when a limit has no place for it: then it waits for the limit. `process` is the key of the process that runs it. An
    attempt that `has_run` already needs no place. A task that no limit concerns costs one statement.
    """
    begin = partial(attempts.claim_without_limits, task_id, attempt, worker=worker, now=now, process=process)
    if has_run or not limits_in_force.any_set():
        return begin()
    return begin(only=_concerned_by_none(limits_in_force.in_force())) or _claim_a_place(task_id, attempt, begin, now)


def _claim_a_place(task_id: int, attempt: int, begin: partial[Task | None], now: datetime) -> Task | None:
    queued = Task.objects.filter(pk=task_id, attempt=attempt, status=Status.QUEUED)
    with transaction.atomic():
        if (task := queued.first()) is None:
            return None
        rows = _locked(limits_in_force.of(task, in_process=bool(task.host)))
        # Read anew: it may have been given a place, or have been claimed, while the locks were waited for.
        if (task := queued.first()) is None:
            return None
        full = next((row for row in rows if not has_place_for(task, row, now)), None)
        if full is not None:
            let_wait(task, full, now)
            return None
        if task.waits_for_limit is not None:
            queued.update(**_NO_PLACE)
        claimed = begin()
        if claimed is not None:
            _count_start(rows, now)
        return claimed


def _locked(limits: Mapping[str, Limit]) -> list[TaskLimit]:
    """The rows of the limits, which say what these say now, and which no other transaction changes meanwhile."""
    rows = [
        TaskLimit(target=target, concurrency=one.concurrency, rate=one.rate, burst=one.burst)
        for target, one in sorted(limits.items())
    ]
    members = ["concurrency", "rate", "burst"]
    TaskLimit.objects.bulk_create(rows, update_conflicts=True, unique_fields=["target"], update_fields=members)
    return list(TaskLimit.objects.filter(pk__in=limits).order_by("pk"))


def _count_start(rows: Iterable[TaskLimit], now: datetime) -> None:
    for row in rows:
        if row.rate:
            TaskLimit.objects.filter(pk=row.pk).update(all_free_at=row.limit.after_start(row.all_free_at, now))


def _concerned_by_none(targets: Iterable[str]) -> str:
    """The condition for tasks that none of these limits concerns. Targets have only harmless characters."""
    conditions = [_concerned("job", JOB, targets)]
    if queues := _concerned("queue", QUEUE, targets, also=settings.TANDEM_DEFAULT_QUEUE):
        conditions.append(written("({task.host} = '' AND ") + queues + ")")
    keys = written("{task.limit_key} <> ''") if EACH_KEY in targets else _concerned("limit_key", KEY, targets)
    return written("AND NOT ({any})", any=" OR ".join(each for each in [*conditions, keys] if each))


def _concerned(field: str, kind: str, targets: Iterable[str], *, also: str | None = None) -> str:
    names = sorted(target.removeprefix(kind) for target in targets if target.startswith(kind))
    # '' means the default queue.
    listed = ", ".join(f"'{name}'" for name in [*names, *([""] if also in names else [])])
    return written("{column} IN ({listed})", column=f'"{field}"', listed=listed) if names else ""
