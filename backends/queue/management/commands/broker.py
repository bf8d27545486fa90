"""`manage.py broker status|drain|resend`: how an operator moves to another broker (docs/switching-brokers.md)."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser

from django.core.management.base import BaseCommand
from django.utils import timezone

from backends.queue import health
from backends.queue.app import app
from backends.queue.draining import drain
from backends.queue.executor import QueueExecutor
from backends.queue.queue_depth import errors
from backends.queue.resending import TaskCounts, counts, resend
from scheduling import queues
from scheduling.findings import Finding


class Command(BaseCommand):
    """Exit code 1: `status` found something wrong, or `drain` or `resend` could not finish."""

    help = "Show the broker's state, empty its workers before a move, or send all queued tasks to a new broker."
    # Those of the settings. Others load every page and view, which this has no use for.
    requires_system_checks = ("tandem",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the three subcommands."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("status", help="show the broker, its workers, each queue and the waiting tasks")
        draining = actions.add_parser("drain", help="tell workers to take no new messages; wait until all are idle")
        draining.add_argument("--timeout", type=float, default=60.0, help="wait at most this many seconds (60)")
        actions.add_parser("resend", help="hand over every queued task again, at once, to the broker of the settings")

    def handle(self, *_: object, action: str, timeout: float = 0.0, **__: object) -> None:
        """Run one of the three subcommands."""
        done = {"status": self._status, "drain": lambda: self._drain(timeout), "resend": self._resend}[action]()
        if not done:
            sys.exit(1)

    def _status(self) -> bool:
        self.stdout.write(f"address    {app.connection_for_write().as_uri()}")
        findings = [health.broker(), health.workers(), *queues.findings(QueueExecutor.name)]
        for finding in findings:
            self.stdout.write(_finding_line(finding))
        self.stdout.write(f"tasks      {_counts_text(counts(QueueExecutor.name))}")
        return all(finding.ok for finding in findings)

    def _drain(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while True:
            try:
                held = drain()
            except errors() as exc:
                self.stderr.write(f"Workers cannot be told: the broker does not answer ({type(exc).__name__}).")
                return False
            found = counts(QueueExecutor.name)
            self.stdout.write(f"{len(held)} workers hold {sum(held.values())} messages; {_counts_text(found)}")
            if not found.running and not any(held.values()):
                self.stdout.write("Nothing runs. Stop the workers, change BROKER_URL, start them.")
                return True
            if time.monotonic() >= deadline:
                self.stderr.write(
                    "Tasks still run. Call drain again with a longer --timeout, or stop the workers now: tasks that "
                    "they cannot finish are lost, and on_lost of each task decides whether it fails or is retried."
                )
                return False

    def _resend(self) -> bool:
        handed_over, error = resend(QueueExecutor.name, now=timezone.now)
        self.stdout.write(f"{handed_over} tasks were handed over; {_counts_text(counts(QueueExecutor.name))}")
        if error:
            self.stderr.write(f"Some tasks were not handed over: {error}. Beat hands them over later.")
        return not error


def _finding_line(finding: Finding) -> str:
    advice = "" if finding.ok else f". {finding.advice}"
    return f"{finding.name:<10} {finding.detail}{advice}"


def _counts_text(found: TaskCounts) -> str:
    return (
        f"{found.waiting} wait for their time, {found.queued} are queued ({found.never_sent} of them not handed over), "
        f"{found.running} run"
    )
