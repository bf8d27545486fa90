"""A beat whose clock only the test moves, and rows for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any, Final

import pytest
import redis
from celery import Celery
from django.db import OperationalError
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from pytest_django import Settings

from backends.beat.backoff import BackoffRunner
from backends.beat.scheduler import LedgerScheduler
from scheduling import keys
from scheduling.models import Schedule
from tests.backends.queue.brokers import stored_messages
from tests.conftest import a_schedule
from tests.servers.redis_like import ValkeyServer

# Each kind of PeriodicTask that runs once when it is due, and then not again for a long time.
KINDS: Final = (
    "interval",
    "crontab",
    "clocked",
    pytest.param("solar", marks=pytest.mark.skipif(find_spec("ephem") is None, reason="ephem is not installed")),
    "one_off",
    "expires",
    "start_time",
    "never_run",
)


class Clock:
    """Monotonic seconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Beat:
    """A LedgerScheduler with a broker of its own, and a clock that only the test moves."""

    def __init__(self, broker_url: str, settings: Settings) -> None:
        self.app = Celery("test of beat", set_as_current=False)
        self.app.config_from_object(settings.CELERY | {"broker_url": broker_url})
        self.clock = Clock()
        self.scheduler = self.start()

    def start(self) -> LedgerScheduler:
        scheduler = LedgerScheduler(app=self.app)
        scheduler._runner = BackoffRunner(self.clock)
        scheduler.moment = self.clock
        return scheduler

    def tick(self) -> float:
        return self.scheduler.tick()

    def tick_for(self, seconds: float) -> None:
        """Ticks, a second apart."""
        for _ in range(int(seconds)):
            self.tick()
            self.clock.now += 1

    def close(self) -> None:
        self.scheduler.close()
        self.app.close()


def another_task(name: str, **fields: Any) -> PeriodicTask:
    """A user's own PeriodicTask: hourly, and due."""
    every, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
    due = {"last_run_at": timezone.now() - timedelta(hours=2)}
    return PeriodicTask.objects.create(**({"name": name, "task": "theirs.task", "interval": every} | due | fields))


def sent(broker: ValkeyServer) -> list[str]:
    """The names of the PeriodicTasks whose messages are in the queue, oldest first."""
    with redis.Redis(unix_socket_path=str(broker.folder / "valkey.sock")) as client:
        return [headers["periodic_task_name"] for headers, _ in stored_messages(client)]


def due_row(kind: str) -> PeriodicTask:
    """A user's PeriodicTask of one of KINDS that is due now. It is named after its kind."""
    now = timezone.now()
    hourly, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
    fields: dict[str, Any] = {"interval": hourly, "last_run_at": now - timedelta(hours=2)}
    if kind == "crontab":
        # Each New Year. A plain hour is read by django-celery-beat only near that hour.
        yearly = CrontabSchedule.objects.create(minute="0", hour="0,0", day_of_month="1", month_of_year="1")
        fields = {"crontab": yearly, "last_run_at": datetime(2020, 6, 1, tzinfo=UTC)}
    elif kind == "clocked":
        fields = {"clocked": ClockedSchedule.objects.create(clocked_time=now - timedelta(hours=1)), "one_off": True}
    elif kind == "solar":
        noon = SolarSchedule.objects.create(event="solar_noon", latitude=0, longitude=0)
        fields = {"solar": noon, "last_run_at": now - timedelta(days=2)}
    elif kind == "one_off":
        fields |= {"one_off": True}
    elif kind == "expires":
        fields |= {"expires": now + timedelta(hours=1)}
    elif kind == "start_time":
        fields |= {"start_time": now - timedelta(minutes=1), "last_run_at": None}
    elif kind == "never_run":
        fields |= {"last_run_at": None}
    row = PeriodicTask.objects.create(name=kind, task="theirs.task", **fields)
    # What has never run counts from its last change.
    PeriodicTask.objects.filter(pk=row.pk).update(date_changed=now - timedelta(hours=2))
    return PeriodicTask.objects.get(pk=row.pk)


def make_due(schedule: Schedule) -> None:
    earlier = timezone.now() - timedelta(seconds=90)
    Schedule.objects.filter(pk=schedule.pk).update(cursor=earlier, next_due_at=earlier)


def many_due(count: int) -> None:
    """Copies of one schedule that are due now, and not again while a test runs."""
    pattern = a_schedule(every=3600, now=timezone.now() - timedelta(seconds=3690))
    rows = [Schedule.objects.get(pk=pattern.pk) for _ in range(count)]
    for row in rows:
        row.pk, row.key = None, keys.unnamed()
    Schedule.objects.bulk_create(rows)
    pattern.delete()


def away(*_: object) -> object:
    raise OperationalError("gone away")
