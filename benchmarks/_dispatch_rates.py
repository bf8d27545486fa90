"""The measurements of benchmarks/dispatch.py, on the database and broker of this process's environment. Prints JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402 - after setup()
from django.core.management import call_command  # noqa: E402 - as above
from django.db import connection  # noqa: E402 - as above
from django.db.models import Max, Min  # noqa: E402 - as above
from django.utils import timezone  # noqa: E402 - as above
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks  # noqa: E402 - as above
from django_celery_beat.schedulers import DatabaseScheduler  # noqa: E402 - as above

from backends.beat.scheduler import LedgerScheduler  # noqa: E402 - as above
from backends.queue.app import app  # noqa: E402 - as above
from scheduling import schedules  # noqa: E402 - as above
from scheduling.lifecycle import Status  # noqa: E402 - as above
from scheduling.models import Schedule, Task  # noqa: E402 - as above
from tests.live.installation import Installation  # noqa: E402 - as above

ALL = 10_000
DUE = 1_000
HOUR = 3600
LONGEST_SECONDS = 8.0
IDLE_TICKS = 20


def make_schedules() -> None:
    """ALL hourly schedules: the first DUE were due ten seconds ago, the others are due in half an hour."""
    now = timezone.now()
    created_at = [now - timedelta(seconds=HOUR + 10), now - timedelta(seconds=HOUR / 2)]
    patterns = [
        schedules.create(
            now=created,
            name="bench",
            job="live.append",
            parameters={"path": str(Path(settings.VAR) / "runs")},
            every=HOUR,
            backend="beat",
        )
        for created in created_at
    ]
    rows = []
    for number in range(ALL - len(patterns)):
        row = Schedule.objects.get(pk=patterns[0 if number < DUE - 1 else 1].pk)
        row.pk = None
        rows.append(row)
    Schedule.objects.bulk_create(rows, batch_size=500)


def make_periodic_tasks() -> None:
    """The same schedules for the stock scheduler: one PeriodicTask per schedule."""
    PeriodicTask.objects.all().delete()
    now = timezone.now()
    every, _ = IntervalSchedule.objects.get_or_create(every=HOUR, period=IntervalSchedule.SECONDS)
    rows = []
    for number, pk in enumerate(Schedule.objects.order_by("pk").values_list("pk", flat=True)):
        last = now - timedelta(seconds=HOUR + 10 if number < DUE else HOUR / 2)
        rows.append(
            PeriodicTask(name=f"bench:{pk}", task="bench.fire", args=f"[{pk}]", interval=every, last_run_at=last)
        )
    PeriodicTask.objects.bulk_create(rows, batch_size=500)
    PeriodicTasks.update_changed()


def rate(tick: Callable[[], object], done: Callable[[], int], wanted: int) -> float:
    """How many are done per second: ticks until `wanted` more are done, or for LONGEST_SECONDS."""
    before, start = done(), time.perf_counter()
    while done() - before < wanted and time.perf_counter() - start < LONGEST_SECONDS:
        tick()
    return (done() - before) / (time.perf_counter() - start)


def idle_milliseconds(tick: Callable[[], object]) -> float:
    """Milliseconds of a tick when nothing is due: the mean of IDLE_TICKS."""
    start = time.perf_counter()
    for _ in range(IDLE_TICKS):
        tick()
    return (time.perf_counter() - start) / IDLE_TICKS * 1000


class Counted(DatabaseScheduler):  # type: ignore[misc]  # django-celery-beat has no types
    """The stock scheduler. It counts what it sends."""

    sends = 0

    def apply_entry(self, *args: object, **kwargs: object) -> None:
        super().apply_entry(*args, **kwargs)
        self.sends += 1


def worker_rate() -> float:
    """Tasks per second, from the first start to the last end in the ledger."""
    installation = Installation(os.environ["DATABASE_URL"], settings.BROKER_URL, Path(settings.VAR))
    try:
        installation.worker(processes=2)
        installation.until(lambda: Task.objects.filter(status=Status.COMPLETED).count() >= DUE)
    finally:
        installation.close()
    ends = Task.objects.aggregate(first=Min("started_at"), last=Max("finished_at"))
    return DUE / float((ends["last"] - ends["first"]).total_seconds())


def main() -> None:
    """Measure and print all rates."""
    call_command("migrate", verbosity=0)
    make_schedules()
    ledger = LedgerScheduler(app=app)
    rates = {"ledger_per_second": rate(ledger.tick, lambda: Task.objects.filter(sends=1).count(), DUE)}
    rates["ledger_idle_ms"] = idle_milliseconds(ledger.tick)
    rates["worker_per_second"] = worker_rate()
    make_periodic_tasks()
    stock = Counted(app=app)
    stock.tick()  # The first one reads the table.
    rates["stock_per_second"] = rate(stock.tick, lambda: stock.sends, DUE - stock.sends)
    rates["stock_idle_ms"] = idle_milliseconds(stock.tick)
    connection.close()
    sys.stdout.write(json.dumps(rates) + "\n")


if __name__ == "__main__":
    main()
