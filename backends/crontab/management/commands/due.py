"""`manage.py due`: what a crontab line calls where no agent answers."""

from __future__ import annotations

import logging
import os
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connections

from backends.crontab import look, turn
from scheduling.database_away import wait_through


class Command(BaseCommand):
    """Writes nothing if all is well, because cron mails the output of its commands."""

    help = "Decides what is due on this machine, and runs it and what was left behind."
    # Deployment checks would make each wake-up slower, and nobody reads their output here.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --run and --without-database."""
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--run", action="store_true", help="do not look first whether there is anything to do")
        how.add_argument(
            "--without-database", action="store_true", help="do what this machine does while the database is away"
        )

    def handle(self, *_: object, verbosity: int, without_database: bool, **__: object) -> None:
        """Exit with code 1 and one line of text if the database stays away."""
        with _ended_by_sigterm() as told_to_end, _warnings_only(apply=verbosity < 2):
            if settings.TANDEM_ONLY_LOOKS:
                _look()
            elif without_database:
                _go_without_database("it did not answer")
            else:
                _run(told_to_end)


def _look() -> None:
    """End, or become the process that runs jobs: this one has loaded nothing that they need."""
    then = "--run"
    try:
        if not wait_through(look.something_to_do, pauses=look.PAUSES, level=logging.INFO):
            return
    except (OperationalError, InterfaceError):
        then = "--without-database"
    connections.close_all()
    os.execv(sys.executable, [*settings.TANDEM_CRON_COMMAND, "due", then])  # noqa: S606 - a list, as S603


def _run(told_to_end: Callable[[], bool]) -> None:
    from backends.crontab import wake_up_alone  # noqa: PLC0415 - most wake-ups find nothing, and need none of it

    try:
        wake_up_alone.run(decided=turn.give_back, told_to_end=told_to_end)
    except (OperationalError, InterfaceError) as exc:
        _go_without_database(str(exc).partition("\n")[0] or type(exc).__name__)


def _go_without_database(reason: str) -> None:
    """Note the wake-up, and run what may run without the database. Raises CommandError: cron mails what was done."""
    from backends.crontab.spool import away  # noqa: PLC0415 - as above

    # A job may take long: the next wake-up need not wait for it.
    turn.give_back()
    ran = away.without_database()
    waits = "the next wake-up finds what was due"
    follows = f"{ran} runs began without it, and {waits} else" if ran else waits
    raise CommandError(f"The database is away; {follows}. {reason}")


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
def _ended_by_sigterm() -> Iterator[Callable[[], bool]]:
    """Make SIGTERM raise SystemExit, so that children are told before the process ends. Gives whether it has come."""
    came: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGTERM, before)
