"""`manage.py verify`: is the ledger what it promises to be?"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from datetime import datetime
from typing import Final

from django.core.management.base import BaseCommand
from django.utils.dateparse import parse_datetime

from scheduling.verification.examine import examine
from scheduling.verification.mismatch import Mismatch, Scope
from scheduling.verification.snapshot import snapshot

# Findings that are shown; all are counted. What is wrong in one way is mostly wrong in many rows.
SHOWN: Final = 100


class Command(BaseCommand):
    """Writes one line for each finding, and a summary. The exit code is 1 when there is one."""

    help = (
        "Checks that the ledger is whole: every occurrence once or with a row that says why, events without gaps and "
        "allowed, attempts that fit, nothing open that nobody takes care of. It only reads, in one snapshot, while "
        "everything runs. Memory is bounded; 100,000 tasks take about 8 seconds of one core."
    )
    # Those of the settings. Others load every page and view, which this has no use for.
    requires_system_checks = ("tandem",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --json, --schedule, --since and --show."""
        parser.add_argument("--json", action="store_true", help="write one JSON object instead of lines")
        parser.add_argument("--schedule", type=int, metavar="ID", help="only this schedule, its tasks and workflows")
        parser.add_argument(
            "--since", type=_moment, metavar="TIME", help="only what was created or due since then (ISO 8601)"
        )
        parser.add_argument(
            "--show", type=int, default=SHOWN, metavar="N", help="findings to show; all are counted (default 100)"
        )

    def handle(self, *_: object, json: bool, schedule: int | None, since: datetime | None, **more: object) -> None:
        """Write each finding as soon as it is made."""
        found: list[Mismatch] = []
        count, began, most = 0, time.monotonic(), int(str(more["show"]))
        with snapshot() as now:
            scope = Scope(now, schedule, since)
            for mismatch in examine(scope):
                count += 1
                if count <= most:
                    found.append(mismatch)
                    if not json:
                        self.stdout.write(_line(mismatch))
        seconds = round(time.monotonic() - began, 1)
        say = _as_json if json else _summary
        self.stdout.write(say(found, count, scope, seconds))
        if count:
            sys.exit(1)


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None or moment.utcoffset() is None:
        raise ArgumentTypeError(f"{text!r} is no time with its offset: write it like 2026-11-20T10:00:00Z")
    return moment


def _line(found: Mismatch) -> str:
    return f"{found.kind} {found.id}  {found.check}: {found.found}; expected: {found.expected}"


def _summary(found: list[Mismatch], count: int, scope: Scope, seconds: float) -> str:
    read = ", ".join(f"{number} {kind}" for kind, number in sorted(scope.counts.items())) or "nothing"
    left_out = f" ({count - len(found)} are not shown)" if count > len(found) else ""
    return f"{count or 'no'} findings{left_out}; read in {seconds} s: {read}"


def _as_json(found: list[Mismatch], count: int, scope: Scope, seconds: float) -> str:
    said = {"ok": not count, "count": count, "findings": [asdict(each) for each in found]}
    return json.dumps(said | {"read": dict(scope.counts), "seconds": seconds}, indent=2)
