"""A spool with a schedule that may run without the database, and a job that counts its runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from backends.crontab import wake_up
from backends.crontab.spool import away, plan, telling
from backends.crontab.spool.store import Spool, here
from scheduling import clock
from scheduling.clock import Clock
from scheduling.job_context import JobContext
from scheduling.models import Schedule, Task, TaskEvent
from scheduling.registry import _jobs, job
from scheduling.verification.examine import examine
from scheduling.verification.mismatch import Scope
from tests.conftest import a_schedule

# The runs of `test.spooled`, each by what the job was given.
runs: list[JobContext] = []
now: list[datetime] = []


@pytest.fixture(autouse=True)
def _job() -> Iterator[None]:
    def spooled(context: JobContext, *, outcome: str = "done") -> str:
        """Log, report, and return or fail."""
        runs.append(context)
        context.log.info("step one")
        context.progress(1, 2, "half")
        if outcome != "done":
            raise ValueError(outcome)
        return outcome

    runs.clear()
    job("test.spooled")(spooled)
    yield
    _jobs.pop("test.spooled")


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still: a minute that ends in the middle of a test would make something else due."""
    now.clear()
    now.append(timezone.now())
    monkeypatch.setattr(clock, "_clock", Clock(moment, lambda: 0.0, moment))


@pytest.fixture
def spool(crontab_file: Path) -> Spool:
    return here()


def moment() -> datetime:
    """The time in this test."""
    return now[0]


def minute() -> datetime:
    """The last whole minute."""
    return moment().replace(second=0, microsecond=0)


def wake_up_here() -> None:
    """What a wake-up does that has the database, with its jobs in this process."""
    for task in wake_up.decide():
        wake_up.run_task(task.pk, task.attempt)


def run_left_behind() -> None:
    """Run in this process what was not claimed in time."""
    while tasks := wake_up.take_left_behind():
        for task in tasks:
            wake_up.run_task(task.pk, task.attempt)


def due_at(at: datetime, **wanted: Any) -> Schedule:
    """A schedule of this host that runs without the database, is next due at `at`, and is in the plan."""
    asked = {"job": "test.spooled", "cron": "* * * * *", "executor": "inline", "database_away": "run"} | wanted
    schedule = a_schedule(backend="crontab", now=at - timedelta(seconds=1), **asked)
    Schedule.objects.filter(pk=schedule.pk).update(cursor=at - timedelta(seconds=1), next_due_at=at)
    schedule.refresh_from_db()
    plan.write(here())
    return schedule


@pytest.fixture
def outage(django_db_blocker: DjangoDbBlocker) -> Callable[[], int]:
    """A wake-up without a database; returns how many occurrences it ran."""

    def wake() -> int:
        with django_db_blocker.block():
            return away.without_database()

    return wake


def tell() -> None:
    """What the agent does first when the database is back."""
    telling.tell(now=moment())


def the_task(schedule: Schedule) -> Task:
    """The row of the last whole minute."""
    return Task.objects.get(schedule=schedule, due_at=minute())


def is_whole() -> None:
    """`manage.py verify` finds nothing."""
    assert list(examine(Scope(now=moment()))) == []


def statuses(task: Task) -> list[str]:
    """All that the events of a task say, in order."""
    return list(TaskEvent.objects.filter(task=task).order_by("number").values_list("status", flat=True))
