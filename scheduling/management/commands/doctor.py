"""`manage.py doctor`: does every part of a deployment work?"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict

from django.core.management.base import BaseCommand

from scheduling import clock, doctor
from scheduling.findings import Finding


class Command(BaseCommand):
    """Writes one line for each part. The exit code is 1 when a part has a problem."""

    help = "Checks the database, the broker, the workers, beat and this host's crontab, and says what to do."
    # The command must also run when a system check fails. `manage.py check` reports those.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --json."""
        parser.add_argument("--json", action="store_true", help="write one JSON object instead of lines")

    def handle(self, *_: object, json: bool, **__: object) -> None:
        """Write each finding as soon as it is made."""
        found: list[Finding] = []
        for finding in doctor.examine(now=clock.estimate()):
            found.append(finding)
            if not json:
                self.stdout.write(_line(finding))
        ok = all(finding.ok for finding in found)
        if json:
            self.stdout.write(_as_json(found, ok=ok))
        if not ok:
            sys.exit(1)


def _line(finding: Finding) -> str:
    advice = f" {finding.advice}" if finding.advice else ""
    return (
        f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.name:<10}  {finding.detail}.".replace("..", ".") + advice
    )


def _as_json(found: list[Finding], *, ok: bool) -> str:
    return json.dumps({"ok": ok, "findings": [asdict(finding) for finding in found]}, indent=2)
