"""`manage.py fire 42`: what a crontab line calls."""

from __future__ import annotations

import logging
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from backends.crontab import wake_up


class Command(BaseCommand):
    """Silent where all is well, for cron mails what its commands say."""

    help = "Runs what is due of a schedule, and what was left behind on this machine."
    # A wake-up has no time for the checks of a deployment, and nobody who reads them.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the schedule's id, or --left-behind in its place."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("schedule", nargs="?", type=int, help="the id of a schedule")
        which.add_argument("--left-behind", action="store_true", help="only what was left behind on this machine")

    def handle(self, *_: object, schedule: int | None, verbosity: int, **__: object) -> None:
        """Exit 1 with one line where the database stays away; an unknown schedule is no error."""
        with _ended_by_sigterm(), _quiet(enough=verbosity < 2):
            try:
                if schedule is not None:
                    wake_up.fire(schedule)
                wake_up.fire_left_behind()
            except (OperationalError, InterfaceError) as exc:
                said = str(exc).partition("\n")[0] or type(exc).__name__
                raise CommandError(f"The database is away; the next wake-up finds what was due. {said}") from exc


@contextmanager
def _quiet(*, enough: bool) -> Iterator[None]:
    """Keep what is merely informative from stderr.

    At the handlers and not at the loggers: what a job logs is kept with its task at every level.
    """
    levels = {handler: handler.level for handler in logging.getLogger().handlers} if enough else {}
    for handler, level in levels.items():
        handler.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        for handler, level in levels.items():
            handler.setLevel(level)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM is an exception, so that the task that runs is recorded as failed before the process ends."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
