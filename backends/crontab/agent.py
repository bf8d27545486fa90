"""Keeps a machine's crontab as the database says, tells how it is, and finds what was left behind there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from backends.crontab import host_report
from backends.crontab.backend import CrontabBackend
from backends.crontab.targets import Target
from scheduling import delivery, drift, ledger
from scheduling.errors import BackendError
from scheduling.executor import executor, executor_names
from scheduling.lifecycle import Status
from scheduling.models import Task
from scheduling.upkeep import lost_attempts
from scheduling.upkeep.sweep import sweep

log = logging.getLogger(__name__)

# What was asked for on another machine is in this one's crontab within this.
SYNC_EVERY: Final = timedelta(seconds=15)
LOOK_EVERY: Final = timedelta(seconds=2)


class Agent:
    """The agent of the machine whose table is `target`. `start_fire` gets the argument of a `fire`."""

    def __init__(self, target: Target, start_fire: Callable[[str], None]) -> None:
        self._target = target
        self._start_fire = start_fire
        self._backend = CrontabBackend()
        self._next_sync: datetime | None = None
        self._next_fire: datetime | None = None
        self._next_look: datetime | None = None

    def step(self, now: datetime) -> None:
        """Do what is due at `now`; to be called about every second. A database that is away is waited for."""
        try:
            if _is_due(self._next_sync, now, SYNC_EVERY):
                self._next_sync = now + SYNC_EVERY
                self.sync(now)
                # Where no Beat runs, this is who mends what a crash left behind.
                sweep(now=now)
            if _is_due(self._next_look, now, LOOK_EVERY):
                # Its observer counts only what it looks at often.
                self._next_look = now + LOOK_EVERY
                lost_attempts.lose_silent(now=now)
            delivery.queue_due(now=now)
            # One that was just started needs a moment to take what it was started for.
            if _is_due(self._next_fire, now, ledger.HAND_OVER) and left_behind(now=now):
                self._next_fire = now + ledger.HAND_OVER
                self._start_fire("--left-behind")
        except (OperationalError, InterfaceError) as exc:
            log.warning("the database is away: %s", str(exc).strip())
            connection.close()

    def sync(self, now: datetime) -> str:
        """Mend the table, and report how it was found; returns why it could not be mended, or ''."""
        found: list[str] = []
        error = ""
        try:
            found = _words(drift.sync(self._backend))
        except BackendError as exc:
            error = exc.detail
            log.error("the crontab is not up to date: %s", error)  # noqa: TRY400 - the reason is enough
        else:
            if found:
                log.info("the crontab was brought up to date: %s", "; ".join(found[:20]))
        host_report.report(self._target, now=now, drift=found, error=error)
        return error


def left_behind(*, now: datetime) -> bool:
    """Whether tasks that must run in a process on this machine were not claimed in time."""
    names = [name for name in executor_names() if executor(name).in_process]
    due = Task.objects.filter(status=Status.QUEUED, executor__in=names, send_at__lte=now)
    return due.filter(host=settings.TANDEM_HOST).exists()


def _is_due(at: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether the time has come; also where the clock was put back so far that it would not for long."""
    return at is None or now >= at or at - now > every


def _words(found: drift.Drift) -> list[str]:
    missing = [f"missing: {entry.text}" for entry in found.missing]
    return missing + [f"left over: {entry.text}" for entry in found.left_over]
