"""Grows the ledger of benchmarks/growth.py to a size and measures it. `SIZE SCHEDULES ROUNDS`; prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import median

import django

django.setup()

from django.conf import settings  # noqa: E402 - after setup()
from django.contrib.auth.models import User  # noqa: E402 - as above
from django.db import connection  # noqa: E402 - as above
from django.utils import timezone  # noqa: E402 - as above
from rest_framework.test import APIClient  # noqa: E402 - as above

from backends.beat.scheduler import LedgerScheduler  # noqa: E402 - as above
from backends.queue.app import app  # noqa: E402 - as above
from benchmarks import _growth_rows  # noqa: E402 - as above
from benchmarks._growth_pages import pages  # noqa: E402 - as above
from benchmarks._measure import Figures  # noqa: E402 - as above
from scheduling import dispatch, ledger  # noqa: E402 - as above
from scheduling.events import log as event_log  # noqa: E402 - as above
from scheduling.models import Schedule, Task, TaskAttempt, TaskEvent  # noqa: E402 - as above
from tests.recording import SETTINGS_EXECUTORS  # noqa: E402 - as above

# Due at once: one batch.
DUE = 500


def main(size: int, schedules: int, rounds: int) -> Figures:
    """The figures by name: milliseconds, statements, bytes."""
    settings.ALLOWED_HOSTS, settings.TANDEM_EXECUTORS = ["testserver"], SETTINGS_EXECUTORS
    grow(size, schedules)
    found = {f"bytes a task: {name}": value / size for name, value in sizes().items() if value > size}
    found["bytes a task, in all"] = sum(found.values())
    found |= {f"{what}, ms": median_ms(act, rounds) for what, act in acts().items()}
    return found | of_pages(rounds)


def of_pages(rounds: int) -> Figures:
    """Of each list the milliseconds that its statements take; and the slowest answer with all that Python does."""
    client = APIClient()
    client.force_authenticate(User.objects.get_or_create(username="growth", is_superuser=True)[0])
    found: Figures = {}
    whole, statements = [], []
    for name, address, parameters in pages():
        spent = Spent()
        times = []
        for _ in range(rounds + 1):
            began = time.perf_counter()
            with connection.execute_wrapper(spent):
                answer = client.get(address, parameters)
            times.append(time.perf_counter() - began)
            assert answer.status_code == 200, answer.content  # noqa: S101 - a figure of an error is none
            spent.next_round()
        found[f"{name}, ms"] = median(spent.seconds[1:-1]) * 1000
        whole.append(median(times[1:]) * 1000)
        statements.append(spent.statements / (rounds + 1))
    return found | {
        "the slowest of these answers, whole, ms": max(whole),
        "statements of an answer, at most": max(statements),
    }


class Spent:
    """Counts statements, and the seconds that they take in each round: a wrapper of Django's for statements."""

    def __init__(self) -> None:
        self.seconds = [0.0]
        self.statements = 0

    def __call__(self, execute: Callable[..., object], *given: object) -> object:
        """Execute the statement."""
        began = time.perf_counter()
        try:
            return execute(*given)
        finally:
            self.seconds[-1] += time.perf_counter() - began
            self.statements += 1

    def next_round(self) -> None:
        """What follows is of another round."""
        self.seconds.append(0.0)


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


def acts() -> dict[str, Callable[[], float]]:
    """What is measured besides the lists, by name: functions that return their seconds."""
    beat = LedgerScheduler(app=app)
    head = event_log.head()
    return {
        "an idle tick": timed(beat.tick),
        f"dispatch of {DUE}": dispatch_a_batch,
        "claim and end of a task": run_a_task,
        "the feed: nothing new": timed(lambda: event_log.news(head)),
        "the feed: where it begins": timed(event_log.head),
    }


def dispatch_a_batch() -> float:
    """Dispatch DUE schedules. Returns its seconds, without those in which they were made due."""
    now = timezone.now()
    ids = Schedule.objects.filter(routed_to="beat").order_by("pk").values_list("pk", flat=True)[:DUE]
    Schedule.objects.filter(pk__in=list(ids)).update(next_due_at=_minute(now), cursor=_minute(now) - timedelta(days=1))
    began = time.perf_counter()
    dispatch.dispatch_due("beat", now=now)
    took = time.perf_counter() - began
    Task.objects.filter(created_at__gte=now).delete()
    return took


def run_a_task() -> float:
    """Claim a queued task and complete it. Returns the seconds of both."""
    now = timezone.now()
    task = Task(name="growth", job="demo.process_data", woken_by="request", status="QUEUED", executor="worker")
    ledger.record([task], now)
    began = time.perf_counter()
    claimed = ledger.claim(task.pk, 1, worker="growth", now=now)
    assert claimed is not None  # noqa: S101 - a figure of nothing is none
    ledger.complete(claimed, result=None, now=now)
    return time.perf_counter() - began


def timed(act: Callable[[], object]) -> Callable[[], float]:
    """The act as a function that returns its seconds."""

    def seconds() -> float:
        began = time.perf_counter()
        act()
        return time.perf_counter() - began

    return seconds


def median_ms(act: Callable[[], float], rounds: int) -> float:
    """The median of so many calls in milliseconds, after one that is not counted."""
    act()
    return median(act() for _ in range(rounds)) * 1000


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


if __name__ == "__main__":
    figures = main(*map(int, sys.argv[1:4]))
    connection.close()
    sys.stdout.write(json.dumps(figures) + "\n")
