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
from backends.crontab.spool.away import without_database


class Command(BaseCommand):
    """Writes nothing if all is well, because cron mails the output of its commands."""

    help = "Runs the due occurrences of a schedule, and the tasks that were left behind on this machine."
    # Deployment checks would make each wake-up slower, and nobody reads their output here.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the schedule's id, and --left-behind as its alternative."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("schedule", nargs="?", type=int, help="the id of a schedule")
        which.add_argument("--left-behind", action="store_true", help="run only what was left behind on this machine")

    def handle(self, *_: object, schedule: int | None, verbosity: int, **__: object) -> None:
        """Exit with code 1 and one line of text if the database stays away. An unknown schedule is no error."""
        with _ended_by_sigterm(), _warnings_only(apply=verbosity < 2):
            try:
                if schedule is not None:
                    wake_up.fire(schedule)
                wake_up.fire_left_behind()
            except (OperationalError, InterfaceError) as exc:
                ran = without_database()
                reason = str(exc).partition("\n")[0] or type(exc).__name__
                raise CommandError(f"The database is away; {_what_follows(ran)}. {reason}") from exc


def _what_follows(ran: int) -> str:
    waits = "the next wake-up finds what was due"
    return f"{ran} runs began without it, and {waits} else" if ran else waits


@contextmanager
def _warnings_only(*, apply: bool) -> Iterator[None]:
    """If `apply`, keep log lines below WARNING from stderr.

    The level is set on the handlers, not on the loggers: a task keeps the lines of its job at every level.
    """
    levels = {handler: handler.level for handler in logging.getLogger().handlers} if apply else {}
    for handler, level in levels.items():
        handler.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        for handler, level in levels.items():
            handler.setLevel(level)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Make SIGTERM raise SystemExit, so that a running task is recorded as failed before the process ends."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
