"""What a wake-up does on a machine whose agent does not answer: all of it, in one process and its children."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from backends.crontab import look, wake_up
from backends.crontab.backend import CrontabBackend
from backends.crontab.job_processes import JobProcesses
from scheduling.errors import BackendError
from scheduling.models import Task

log = logging.getLogger(__name__)


def run(*, decided: Callable[[], None], told_to_end: Callable[[], bool]) -> None:
    """Decide what is due, run that and what was left behind, and return when it has ended.

    `decided` is called as soon as the next wake-up may decide. `told_to_end` says whether a signal has come: then what
    runs is ended, and SystemExit raised. The handler's own exception may be lost in the error of a query.

    A job that hangs holds no other one, because each has a process of its own, TANDEM_INLINE_CONCURRENCY at a time.
    Raises OperationalError or InterfaceError if the database is away; what runs then goes on.
    """
    processes = JobProcesses(settings.TANDEM_INLINE_CONCURRENCY)
    tasks = wake_up.decide()
    decided()
    try:
        _start(processes, tasks)
        while left := wake_up.take_left_behind():
            _start(processes, left)
        wake_up.lose_gone()
        _renew()
        _finish(processes, told_to_end)
    except (SystemExit, OperationalError, InterfaceError) as exc:
        if not told_to_end():
            raise
        # So are the children told.
        processes.stop(grace=0.0)
        raise SystemExit(128 + signal.SIGTERM) from exc


def _start(processes: JobProcesses, tasks: Iterable[Task]) -> None:
    # A child must not share a connection with us.
    connections.close_all()
    processes.add((task.pk, task.attempt) for task in tasks)


def _finish(processes: JobProcesses, told_to_end: Callable[[], bool]) -> None:
    connections.close_all()
    while processes.busy():
        if told_to_end():
            raise SystemExit
        processes.wait()
        if processes.step():
            wake_up.lose_gone()
            connections.close_all()


def _renew() -> None:
    """Bring the table up to date where no agent does, on the first wake-up of a day."""
    if not look.renewal_is_due():
        return
    look.renewed()
    try:
        CrontabBackend().sync()
    except BackendError as exc:
        log.error("the crontab is not up to date: %s", exc.detail)  # noqa: TRY400 - the reason is enough
