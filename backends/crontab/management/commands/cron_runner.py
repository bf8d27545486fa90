"""`manage.py cron_runner`: run the lines of the private crontab file that TANDEM_CRONTAB=file:/path names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from backends.crontab import files, resident, targets
from backends.crontab.agent import Agent
from backends.crontab.job_starter import JobStarter
from backends.crontab.runner.runner import Runner
from backends.crontab.targets import FileTarget
from scheduling import clock
from scheduling.errors import BackendError, TandemError

# At its start a runner also looks at the last minutes, which may have passed without a runner; the ledger knows which
# occurrences are done. As long as the default grace of a schedule.
LOOK_BACK_AT_START: Final = timedelta(minutes=5)


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT. Then what it runs has ten seconds to end."""

    help = "Runs the schedules in the private crontab file, as the cron daemon does for a user's crontab."
    # Those of the settings. Others load every page and view, which this has no use for.
    requires_system_checks = ("tandem",)

    def handle(self, *_: object, **__: object) -> None:
        try:
            target = targets.parse(settings.TANDEM_CRONTAB)
        except TandemError as exc:
            raise CommandError(exc.detail) from exc
        if not isinstance(target, FileTarget):
            raise CommandError(
                "TANDEM_CRONTAB names no file: write file:/absolute/path, or let the cron daemon run the crontab."
            )
        with ExitStack() as held:
            with _only_runner(target):
                # Refused early. The lock is taken below: the children of the agent must not hold it when it is killed.
                pass

            def step_for(jobs: JobStarter, wake: Callable[[], None]) -> Callable[[datetime], None]:
                held.enter_context(_only_runner(target))
                runner = Runner(target, Agent(target, jobs), wake, _database_time() - LOOK_BACK_AT_START)
                self.stdout.write(f"Running the lines of {target.path}, at each minute (UTC).")
                return runner.step

            resident.run(step_for)


@contextmanager
def _only_runner(target: FileTarget) -> Iterator[None]:
    """Hold the lock of the process that runs the lines of the file. Raises CommandError if another process holds it."""
    with ExitStack() as held:
        try:
            held.enter_context(files.exclusive(targets.lock_path(target, Path(settings.VAR), "runner"), wait=0.0))
        except BackendError as exc:
            raise CommandError(f"Another cron_runner runs the lines of {target.path} already.") from exc
        yield


def _database_time() -> datetime:
    """The time by the database's clock, or by this machine's while the database is away."""
    try:
        return clock.now()
    except (OperationalError, InterfaceError):
        return clock.estimate()
