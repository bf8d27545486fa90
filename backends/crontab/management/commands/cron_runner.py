"""`manage.py cron_runner`: run the lines of the private table that TANDEM_CRONTAB=file:/path names."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from backends.crontab import files, loop, programs, targets
from backends.crontab.fire_processes import Children
from backends.crontab.runner.runner import Runner
from backends.crontab.targets import FileTarget
from scheduling import processes
from scheduling.errors import BackendError, TandemError

# Minutes that passed while a runner was exchanged are looked at again, and the ledger knows which of them are done. As
# long as the grace that schedules have by default.
LOOK_BACK_AT_START: Final = timedelta(minutes=5)


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT, then gives what it started ten seconds."""

    help = "Runs the schedules in the private crontab file, as the cron daemon does for a user's crontab."

    def handle(self, *_: object, **__: object) -> None:
        try:
            target = targets.parse(settings.TANDEM_CRONTAB)
        except TandemError as exc:
            raise CommandError(exc.detail) from exc
        if not isinstance(target, FileTarget):
            raise CommandError(
                "TANDEM_CRONTAB names no file: write file:/absolute/path, or let the system's cron run it."
            )
        try:
            with files.exclusive(targets.lock_path(target, Path(settings.VAR), "runner"), wait=False):
                self._run(target)
        except BackendError as exc:
            raise CommandError(f"Another cron_runner runs the lines of {target.path} already.") from exc

    def _run(self, target: FileTarget) -> None:
        stop = loop.stop_on_signals()
        children = Children([*settings.TANDEM_CRON_COMMAND, "fire"], programs.start)
        runner = Runner(target, children, timezone.now() - LOOK_BACK_AT_START)
        self.stdout.write(f"Running the lines of {target.path}, at each minute (UTC).")
        try:
            with processes.alive("agent"):
                loop.run(runner.step, stop=stop)
        finally:
            children.stop()
