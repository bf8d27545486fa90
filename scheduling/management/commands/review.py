"""`manage.py review [FILE|-|--installed]`: a crontab, or all schedules, in plain words. Nothing is run."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final, get_args

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from scheduling.errors import TandemError
from scheduling.models import Schedule
from scheduling.review.accounts import user_names
from scheduling.review.crontab_text import Form
from scheduling.review.foreign_table import foreign_table
from scheduling.review.formats import Style, comma_separated, json_values, table
from scheduling.review.report import MOST_BYTES, Report, of_crontab, of_schedules
from scheduling.review.report_lines import MOST_NEXT, ReportOptions
from scheduling.words import DEFAULT, matching

# Columns: longer lines are hard to read.
_WIDEST: Final = 160


class Command(BaseCommand):
    """The exit code is 1 when a line of a crontab is an error. So a script can check a crontab before installing it."""

    help = "Reviews a crontab (a file, - for standard input, or the installed one), or all schedules, in plain words."
    # Those of the settings. Others load every page and view, which this has no use for.
    requires_system_checks = ("tandem",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options for what to read and how to show it."""
        parser.add_argument("file", nargs="?", help="a crontab; - for standard input; all schedules if not given")
        parser.add_argument("--installed", action="store_true", help="review this machine's crontab")
        parser.add_argument("--form", choices=get_args(Form), help="system has a user column; found out if not given")
        parser.add_argument("--timezone", help="of the crontab; UTC, or with --installed this machine's, if not given")
        parser.add_argument("--language", help="such as en, de or ja")
        parser.add_argument("--clock", type=int, choices=[12, 24], help="12 or 24 hours")
        parser.add_argument("--count", type=int, default=3, help=f"occurrences for each line, at most {MOST_NEXT}")
        parser.add_argument("--format", choices=["table", "csv", "json"], default="table")

    def handle(self, *_: object, **options: Any) -> None:
        if options["file"] and options["installed"]:
            raise CommandError("Name a file or write --installed, not both.")
        if not 0 <= options["count"] <= MOST_NEXT:
            raise CommandError(f"--count is 0 to {MOST_NEXT}.")
        try:
            report = self._report(options)
        except TandemError as exc:
            raise CommandError(exc.detail) from exc
        self.stdout.write(self._shown(report, options), ending="")
        if report.form and report.count("error"):
            # The table names the lines with errors. A second message would not help.
            sys.exit(1)

    def _report(self, options: dict[str, Any]) -> Report:
        language = matching(options["language"] or getattr(settings, "TANDEM_LANGUAGE", DEFAULT))
        wanted = ReportOptions(count=options["count"], language=language, clock=options["clock"])
        now = timezone.now()
        if not options["file"] and not options["installed"]:
            return of_schedules(Schedule.objects.order_by("pk").iterator(), options=wanted, now=now)
        zone = options["timezone"] or (foreign_table().zone() if options["installed"] else "UTC")
        text = foreign_table().read() if options["installed"] else _read(options["file"])
        return of_crontab(text, form=options["form"], timezone=zone, users=user_names(), options=wanted, now=now)

    def _shown(self, report: Report, options: dict[str, Any]) -> str:
        if options["format"] == "csv":
            return comma_separated(report)
        if options["format"] == "json":
            return json.dumps(json_values(report), indent=2) + "\n"
        width = min(shutil.get_terminal_size((100, 24)).columns, _WIDEST)
        return table(report, Style(width=width, colour=self._coloured(options)))

    def _coloured(self, options: dict[str, Any]) -> bool:
        """Only on a terminal, unless Django's --no-color or --force-color say otherwise."""
        return bool(options.get("force_color")) or (self.stdout.isatty() and not options.get("no_color"))


def _read(name: str) -> str:
    """The text, at most one byte longer than a review allows: the report then refuses it and names the limit."""
    try:
        if name == "-":
            found = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                found = file.read(MOST_BYTES + 1)
    except OSError as exc:
        raise CommandError(f"{name} cannot be read: {exc.strerror}.") from exc
    return found.decode("utf-8-sig", "surrogateescape")
