"""A spool with a schedule that may run without the database, and a job that counts its runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from backends.crontab import wake_up
from backends.crontab.spool import plan
from backends.crontab.spool.store import Spool, here
from scheduling import clock
from scheduling.clock import Clock
from scheduling.job_context import JobContext
from scheduling.models import Schedule
from scheduling.registry import _jobs, job
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
