"""How a machine's crontab is kept up to date and reported, and how tasks that were left behind there are started."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from backends.crontab import host_report
from backends.crontab.backend import CrontabBackend
from backends.crontab.spool import telling
from backends.crontab.targets import Target
from scheduling import clock, delivery, drift
from scheduling.errors import BackendError
from scheduling.executor import executor, executor_names
from scheduling.lifecycle import Status
from scheduling.models import Task
from scheduling.upkeep import lost_attempts
from scheduling.upkeep.sweep import sweep

log = logging.getLogger(__name__)

# What was asked for on another machine is in this one's crontab within this.
SYNC_EVERY: Final = timedelta(seconds=15)
# Its observer of lost attempts counts at most half a pulse between two looks.
LOOK_EVERY: Final = timedelta(seconds=2)


class Jobs(Protocol):
    """The part of backends.crontab.job_starter.JobStarter that is used here."""

    def run(self, tasks: Iterable[Task]) -> None: ...
    def child_died(self) -> bool: ...


class Agent:
    """The agent of this machine, whose crontab is `target`. `jobs` runs its tasks."""

    def __init__(self, target: Target, jobs: Jobs) -> None:
        self._target = target
        self._jobs = jobs
        self._next_sync: datetime | None = None
        self._next_look: datetime | None = None

    def step(self, now: datetime) -> None:
        """Do what is due at `now`. Call this about every second. If the database is away, that is logged, and the next
        step tries again. Raises ChildProcessError if no tasks can be run any more.
        """
        died = self._jobs.child_died()
        try:
            # The loop itself uses an estimate of the database's time. This look at the database corrects it.
            clock.now()
            if _is_due(self._next_sync, now, SYNC_EVERY):
                self._next_sync = now + SYNC_EVERY
                telling.tell(now=now)
                sync(self._target, now)
                # Where no Beat runs, only the agents do the upkeep.
                sweep(now=now)
            if died or _is_due(self._next_look, now, LOOK_EVERY):
                # Often, for silence counts only between looks that are close. It also finds what a dead child ran.
                self._next_look = now + LOOK_EVERY
                lost_attempts.lose_silent(now=now)
            delivery.queue_due(now=now)
            if left_behind(now=now):
                self._jobs.run(delivery.take_unclaimed(now=now, host=settings.TANDEM_HOST))
        except (OperationalError, InterfaceError) as exc:
            log.warning("the database is away: %s", str(exc).strip())
            connection.close()


def sync(target: Target, now: datetime) -> str:
    """Bring the crontab up to date, and report the drift that was found. Returns why it could not be, or ''."""
    found: list[str] = []
    error = ""
    try:
        found = _drift_lines(drift.sync(CrontabBackend()))
    except BackendError as exc:
        error = exc.detail
        log.error("the crontab is not up to date: %s", error)  # noqa: TRY400 - the reason is enough
    else:
        if found:
            log.info("the crontab was brought up to date: %s", "; ".join(found[:20]))
    host_report.report(target, now=now, drift=found, error=error)
    return error


def left_behind(*, now: datetime) -> bool:
    """Whether there are tasks that must run in a process on this machine and were not claimed in time."""
    names = [name for name in executor_names() if executor(name).in_process]
    due = Task.objects.filter(status=Status.QUEUED, executor__in=names, send_at__lte=now)
    return due.filter(host=settings.TANDEM_HOST).exists()


def _is_due(at: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether `at` has come, or the clock was put back so that `at` is more than `every` away."""
    return at is None or now >= at or at - now > every


def _drift_lines(found: drift.Drift) -> list[str]:
    missing = [f"missing: {entry.text}" for entry in found.missing]
    return missing + [f"left over: {entry.text}" for entry in found.left_over]
