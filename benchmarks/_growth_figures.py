"""Grows the ledger of benchmarks/growth.py to a size and measures it. `SIZE SCHEDULES ROUNDS`; prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Self

import django

django.setup()

from django.conf import settings  # noqa: E402 - after setup()
from django.contrib.auth.models import User  # noqa: E402 - as above
from django.db import connection, transaction  # noqa: E402 - as above
from django.test.utils import CaptureQueriesContext  # noqa: E402 - as above
from django.utils import timezone  # noqa: E402 - as above
from rest_framework.test import APIClient  # noqa: E402 - as above

from api import pagination  # noqa: E402 - as above
from backends.beat.scheduler import LedgerScheduler  # noqa: E402 - as above
from backends.queue.app import app  # noqa: E402 - as above
from benchmarks import _growth_rows  # noqa: E402 - as above
from benchmarks._growth_pages import pages  # noqa: E402 - as above
from benchmarks._measure import Figures, cpu_seconds  # noqa: E402 - as above
from scheduling import dispatch, ledger  # noqa: E402 - as above
from scheduling.events import log as event_log  # noqa: E402 - as above
from scheduling.models import Schedule, Task, TaskAttempt, TaskEvent  # noqa: E402 - as above
from scheduling.upkeep import retention  # noqa: E402 - as above
from scheduling.verification.examine import examine  # noqa: E402 - as above
from scheduling.verification.mismatch import Scope  # noqa: E402 - as above
from scheduling.verification.snapshot import snapshot  # noqa: E402 - as above
from tests.recording import SETTINGS_EXECUTORS  # noqa: E402 - as above

# Due at once: one batch.
DUE = 500
# Deleted at once: what one call of the cleaner deletes.
PRUNED = retention.MOST


def main(size: int, schedules: int, rounds: int) -> Figures:
    """The figures by name: milliseconds of CPU, statements, bytes."""
    settings.ALLOWED_HOSTS, settings.TANDEM_EXECUTORS = ["testserver"], SETTINGS_EXECUTORS
    # What is refused otherwise is measured.
    pagination.MOST_SECONDS = 600.0
    # A tick may prune: it leaves this ledger as it is.
    settings.TANDEM_KEEP_TASKS = 10 * size
    grow(size, schedules)
    found = {f"bytes a task: {name}": value / size for name, value in sizes().items() if value > size}
    found["bytes a task, in all"] = sum(found.values())
    # One connection for all: its process is looked at.
    connection.close()
    connection.settings_dict["CONN_MAX_AGE"] = None
    with connection.cursor() as cursor:
        # What other processes of the server do for a query would not be counted.
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SELECT pg_backend_pid()")
        database = cursor.fetchone()[0]
    for what, act in acts().items():
        found |= cost(what, act, database, rounds)
    return found | of_lists(database, rounds) | of_verify(database, size)


class Spent:
    """What the parts of acts that count have cost so far, in seconds of CPU: here, and in the database's process."""

    def __init__(self, database_pid: int) -> None:
        self._pid = database_pid
        self.here = self.there = 0.0

    def __enter__(self) -> Self:
        self.here -= time.process_time()
        self.there -= cpu_seconds(self._pid)
        return self

    def __exit__(self, *_: object) -> None:
        self.here += time.process_time()
        self.there += cpu_seconds(self._pid)


def cost(what: str, act: Callable[[Spent], object], database: int, rounds: int) -> Figures:
    """The means of so many calls, after one that is not counted: Linux counts in hundredths of a second."""
    act(Spent(database))
    spent = Spent(database)
    for _ in range(rounds):
        act(spent)
    return {
        f"{what}: database, ms": spent.there * 1000 / rounds,
        f"{what}: Python, ms": spent.here * 1000 / rounds,
    }


def of_lists(database: int, rounds: int) -> Figures:
    """Of each list what its first page costs the database; of the dearest, what it costs in all."""
    client = APIClient()
    client.force_authenticate(User.objects.get_or_create(username="growth", is_superuser=True)[0])
    found, whole, statements = {}, [], []
    for name, address, parameters in pages():
        figures = cost(name, partial(asked, client, address, parameters), database, rounds)
        found[f"{name}: database, ms"] = figures[f"{name}: database, ms"]
        whole.append(sum(figures.values()))
        with CaptureQueriesContext(connection) as captured:
            client.get(address, parameters)
        statements.append(len(captured))
    return found | {"the dearest of these answers, in all, ms": max(whole), "its statements, at most": max(statements)}


def of_verify(database: int, size: int) -> Figures:
    """What `manage.py verify` costs for each task, with its share of schedules and workflows. It is run once."""
    spent = Spent(database)
    with snapshot() as now, spent:
        deque(examine(Scope(now)), maxlen=0)
    return {
        "verify, a task: database, ms": spent.there * 1000 / size,
        "verify, a task: Python, ms": spent.here * 1000 / size,
    }


def asked(client: APIClient, address: str, parameters: dict[str, Any], spent: Spent) -> None:
    """Ask for a list. Raises RuntimeError for another answer."""
    with spent:
        answer = client.get(address, parameters)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} {parameters}: {answer.content!r}")


def grow(size: int, schedules: int) -> None:
    """Make the rows that the ledger of this size still lacks."""
    now = timezone.now()
    if not Schedule.objects.exists():
        _growth_rows.schedules(schedules, now)
        _growth_rows.workflows(10_000, now)
        _growth_rows.differences(10_000, now)
    _growth_rows.tasks(size, of_schedules=schedules, now=now)
    _growth_rows.analyze()


def sizes() -> dict[str, int]:
    """The bytes of the tables that grow with tasks, and of each of their indexes."""
    return {
        f"{table.removeprefix('tandem_scheduling_')}, {part.removeprefix('tandem_scheduling_')}": count
        for table, parts in _growth_rows.bytes_of(Task, TaskAttempt, TaskEvent).items()
        for part, count in parts.items()
    }


def acts() -> dict[str, Callable[[Spent], object]]:
    """What is measured besides the lists, by name."""
    beat = LedgerScheduler(app=app)
    head = event_log.head()
    return {
        "an idle tick": partial(whole, beat.tick),
        f"dispatch of {DUE}": dispatch_a_batch,
        "claim and end of a task": run_a_task,
        "the feed, nothing new": partial(whole, lambda: event_log.news(head)),
        "the feed, where it begins": partial(whole, event_log.head),
        f"pruning of {PRUNED:,}": prune,
    }


def whole(act: Callable[[], object], spent: Spent) -> None:
    """An act of which everything counts."""
    with spent:
        act()


def dispatch_a_batch(spent: Spent) -> None:
    """Dispatch DUE schedules, which are made due first."""
    now = timezone.now()
    ids = Schedule.objects.filter(routed_to="beat").order_by("pk").values_list("pk", flat=True)[:DUE]
    Schedule.objects.filter(pk__in=list(ids)).update(next_due_at=_minute(now), cursor=_minute(now) - timedelta(days=1))
    with spent:
        dispatch.dispatch_due("beat", now=now)
    Task.objects.filter(created_at__gte=now).delete()


def run_a_task(spent: Spent) -> None:
    """Claim a queued task and complete it."""
    now = timezone.now()
    task = Task(name="growth", job="demo.process_data", woken_by="request", status="QUEUED", executor="worker")
    ledger.record([task], now)
    with spent:
        claimed = ledger.claim(task.pk, 1, worker="growth", now=now)
        if claimed is None:
            raise RuntimeError("the task is not to be claimed")
        ledger.complete(claimed, result=None, now=now)


def prune(spent: Spent) -> None:
    """Delete the oldest tasks, with their attempts and events. They are there again at once."""
    last: Any = Task.objects.order_by("finished_at").values_list("finished_at", flat=True)[PRUNED]
    with transaction.atomic():
        with spent:
            deleted = retention.prune(now=last + timedelta(days=settings.TANDEM_KEEP_DAYS))
        transaction.set_rollback(True)
    if deleted != PRUNED:
        raise RuntimeError(f"{deleted} tasks were pruned")


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


if __name__ == "__main__":
    figures = main(*map(int, sys.argv[1:4]))
    connection.close()
    sys.stdout.write(json.dumps(figures) + "\n")
