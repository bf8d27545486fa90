"""`manage.py probe`, for `manage.py help` and for callers of commands: `manage.py` itself does without Django."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from scheduling import probe


class Command(BaseCommand):
    """The exit code is 1 where the process hangs or is not there."""

    help = "Says whether the loop of the worker, the beat or the agent of this container (this TANDEM_VAR) comes round."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the kind of process."""
        parser.add_argument("kind", choices=probe.KINDS)

    def handle(self, *_: object, kind: str, **__: object) -> None:
        """Write one line."""
        sys.exit(probe.main([kind]))
