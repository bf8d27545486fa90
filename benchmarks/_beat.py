"""One contender of benchmarks/beat.py, on the database and broker of this process's environment.

    python -m benchmarks._beat stock|ledger fill SCHEDULES
    python -m benchmarks._beat stock|ledger round DUE PIDS

A round prints its figures as JSON. PIDS are the process ids of the servers by name, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Final

import django

django.setup()

from django.conf import settings  # noqa: E402 - after setup()
from django.core.management import call_command  # noqa: E402 - as above
from django.db import connection  # noqa: E402 - as above
from django.db.models import Model  # noqa: E402 - as above
from django.test.utils import CaptureQueriesContext  # noqa: E402 - as above
from django.utils import timezone  # noqa: E402 - as above
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks  # noqa: E402 - as above
from django_celery_beat.schedulers import DatabaseScheduler  # noqa: E402 - as above

from backends.beat.scheduler import LedgerScheduler  # noqa: E402 - as above
from backends.queue.app import app  # noqa: E402 - as above
from benchmarks._measure import Figures, cpu_of, resident_mb  # noqa: E402 - as above
from scheduling import schedules  # noqa: E402 - as above
from scheduling.executor import executor  # noqa: E402 - as above
from scheduling.models import Schedule, Task  # noqa: E402 - as above

HOUR: Final = 3600
IDLE_TICKS: Final = 200
# The stock scheduler is not awaited longer.
STOCK_SECONDS: Final = 15.0


class Contender(ABC):
    """A scheduler and its schedules, which are due every hour."""

    @abstractmethod
    def fill(self, count: int) -> None:
        """Make the schedules. None is due within half an hour."""

    @abstractmethod
    def start(self) -> None:
        """Make the scheduler, and tick once."""

    @abstractmethod
    def tick(self) -> None:
        """Tick once."""

    @abstractmethod
    def make_due(self, count: int) -> datetime:
        """Make so many schedules due. Returns when they are due."""

    @abstractmethod
    def fire(self, count: int) -> int:
        """Tick until so many have fired, or until it has taken too long. Returns how many have."""


class Ledger(Contender):
    """Tandem."""

    def fill(self, count: int) -> None:
        schedules.create(
            now=timezone.now() - timedelta(seconds=HOUR / 2), name="bench", job="live.append",
            parameters={"path": f"{settings.VAR}/runs"}, every=HOUR, backend="beat", overlap="allow",
        )  # fmt: skip
        PeriodicTask.objects.all().delete()
        multiply(Schedule, count, key="'bench-' || (id + {there})")

    def start(self) -> None:
        self._scheduler = LedgerScheduler(app=app)
        self.tick()

    def tick(self) -> None:
        self._scheduler.tick()

    def make_due(self, count: int) -> datetime:
        # An interval counts from a whole second.
        due = (timezone.now() + timedelta(seconds=2)).replace(microsecond=0)
        ids = list(Schedule.objects.order_by("pk").values_list("pk", flat=True)[:count])
        before = due - timedelta(seconds=1)
        Schedule.objects.filter(pk__in=ids).update(anchor=due, cursor=before, next_due_at=due)
        return due

    def fire(self, count: int) -> int:
        now = timezone.now()
        before = Task.objects.filter(sends=1).count()
        while Schedule.objects.filter(routed_to="beat", next_due_at__lte=now).exists():
            self.tick()
        return Task.objects.filter(sends=1).count() - before


class Counted(DatabaseScheduler):  # type: ignore[misc]  # django-celery-beat has no types
    """The stock scheduler. It counts what it sends."""

    sends = 0

    def apply_entry(self, *args: object, **kwargs: object) -> None:
        super().apply_entry(*args, **kwargs)
        self.sends += 1


class Stock(Contender):
    """django-celery-beat, one PeriodicTask for each schedule."""

    def fill(self, count: int) -> None:
        PeriodicTask.objects.all().delete()
        every = IntervalSchedule.objects.create(every=HOUR, period=IntervalSchedule.SECONDS)
        last = timezone.now() - timedelta(seconds=HOUR / 2)
        PeriodicTask.objects.create(name="bench", task="bench.fire", args="[1]", interval=every, last_run_at=last)
        multiply(PeriodicTask, count, name="'bench.' || (id + {there})")
        PeriodicTasks.update_changed()

    def start(self) -> None:
        self._scheduler = Counted(app=app)
        self.tick()

    def tick(self) -> None:
        self._scheduler.tick()

    def make_due(self, count: int) -> datetime:
        ids = list(PeriodicTask.objects.order_by("pk").values_list("pk", flat=True)[:count])
        ago = timezone.now() - timedelta(seconds=HOUR)
        PeriodicTask.objects.filter(pk__in=ids).update(last_run_at=ago)
        PeriodicTasks.update_changed()
        # It reads the whole table anew. That is not counted.
        len(self._scheduler.schedule)
        return timezone.now()

    def fire(self, count: int) -> int:
        before, begun = self._scheduler.sends, time.perf_counter()
        while self._scheduler.sends - before < count and time.perf_counter() - begun < STOCK_SECONDS:
            self.tick()
        return int(self._scheduler.sends - before)


CONTENDERS: Final[dict[str, type[Contender]]] = {"stock": Stock, "ledger": Ledger}


def multiply(model: type[Model], count: int, **differs: str) -> None:
    """Copy the rows of the model's table until there are `count`.

    `differs` are SQL expressions for some columns, in which {there} is how many rows there are so far.
    """
    columns = [str(field.column) for field in model._meta.concrete_fields if not field.primary_key]
    values = ", ".join(differs.get(column, f'"{column}"') for column in columns)
    table, names = model._meta.db_table, ", ".join(f'"{column}"' for column in columns)
    copy = f'INSERT INTO "{table}" ({names}) SELECT {values} FROM "{table}" ORDER BY id LIMIT {{limit}}'
    there = 1
    with connection.cursor() as cursor:
        while there < count:
            limit = min(there, count - there)
            cursor.execute(copy.format(there=there, limit=limit))
            there += limit
        cursor.execute("ANALYZE")


def measured(contender: Contender, due: int, pids: dict[str, int]) -> Figures:
    """One round."""
    contender.start()
    # As a beat in earnest, whose side threads load what executors need before the first fire.
    executor("worker").prepare()
    figures = idle(contender)
    due_at = contender.make_due(due)
    time.sleep(max(0.0, (due_at - timezone.now()).total_seconds()))
    with cpu_of({"beat": os.getpid(), **pids}) as cpu:
        fired = contender.fire(due)
    late = (timezone.now() - due_at).total_seconds()
    figures |= {"fires a second": fired / late, "last late by, s": late * due / fired, **cpu.milliseconds_each(fired)}
    return figures | {"memory after it, MB": resident_mb(os.getpid())}


def idle(contender: Contender) -> Figures:
    """What a tick costs where nothing is due."""
    begun = time.perf_counter()
    with cpu_of({"an idle tick": os.getpid()}) as cpu:
        for _ in range(IDLE_TICKS):
            contender.tick()
    milliseconds = (time.perf_counter() - begun) * 1000 / IDLE_TICKS
    with CaptureQueriesContext(connection) as asked:
        contender.tick()
    used = cpu.milliseconds_each(IDLE_TICKS)["CPU of an idle tick, ms"]
    return {"an idle tick, ms": milliseconds, "CPU of an idle tick, ms": used, "its statements": len(asked)}


def main(side: str, what: str, count: str, pids: str = "{}") -> None:
    """Fill the tables, or measure a round."""
    contender = CONTENDERS[side]()
    if what == "fill":
        call_command("migrate", verbosity=0)
        contender.fill(int(count))
    else:
        sys.stdout.write(json.dumps(measured(contender, int(count), json.loads(pids))) + "\n")
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
