"""`manage.py crontab_agent`: keep this machine's crontab up to date with the schedules."""

from __future__ import annotations

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from backends.crontab import resident, targets
from backends.crontab.agent import Agent, sync
from backends.crontab.targets import SystemTable, Target
from scheduling.errors import TandemError


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT. With --once it syncs once, and fails if the crontab cannot be written."""

    help = "Brings this machine's crontab up to date, and reports its zone, heartbeat and drift."
    # Those of the settings. Others load every page and view, which this has no use for.
    requires_system_checks = ("tandem",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --once."""
        parser.add_argument("--once", action="store_true", help="sync once, then end")

    def handle(self, *_: object, once: bool, **__: object) -> None:
        try:
            target = targets.parse(settings.TANDEM_CRONTAB)
        except TandemError as exc:
            raise CommandError(exc.detail) from exc
        if target is None:
            raise CommandError(
                "This machine has no crontab (TANDEM_CRONTAB is none): write user, or file:/absolute/path."
            )
        if once:
            error = sync(target, timezone.now())
            if error:
                raise CommandError(error)
            return
        if isinstance(target, SystemTable) and target.runs_jobs_of_others():
            raise CommandError(
                f"The agent would run jobs as root: start it as {target.user}, and as root only `crontab_agent --once`."
            )
        _run(target)


def _run(target: Target) -> None:
    resident.run(lambda jobs, _wake: Agent(target, jobs).step)
