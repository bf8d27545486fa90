"""`manage.py beat`: runs Celery Beat, as `python -m celery -A settings.celery beat` does, in less memory."""

from __future__ import annotations

import os
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand

from backends.beat.scheduler import LedgerScheduler


class Command(BaseCommand):
    """Celery's own command line loads all of its commands, a shell and every plug-in: a third of beat's memory."""

    help = "Run Celery Beat until it is told to end. Any number may run, on any machine: they share the work."
    # They load every view of the API.
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        # Celery runs the same checks, and throws away what they find.
        os.environ["CELERY_SKIP_CHECKS"] = "1"
        # Not by its name: Celery would import it after it has begun to answer SIGTERM, with a handler that needs it.
        scheduler: Any = LedgerScheduler  # the type hints of Celery know names only
        current_app.Beat(quiet=True, loglevel="INFO", scheduler=scheduler).run()
