"""`manage.py tzdata [--against FOLDER]`: which time zone data is in use, and what a change of it moves."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from scheduling import processes
from scheduling.models import Host, ReplannedSchedule, Schedule
from scheduling.review.formats import printable
from scheduling.review.preview import MOST_DAYS
from scheduling.review.zone_data import Comparison, MovedOccurrences, compare_with, last_change
from scheduling.timing import tzdata_version
from scheduling.timing.zones import ZoneFiles

# Occurrences of each schedule: enough to see the rhythm.
SHOWN: Final = 3
# Schedules of the last change: a screen or two. The REST API shows all that are remembered.
SHOWN_SCHEDULES: Final = 50


class Command(BaseCommand):
    """Stores nothing."""

    help = "Says which time zone data the processes have, what its last change moved, and what another would move."
    # Those of the settings. Others load every page and view, which this has no use for.
    requires_system_checks = ("tandem",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --against and --days."""
        parser.add_argument("--against", type=Path, metavar="FOLDER", help="zone files, such as /usr/share/zoneinfo")
        parser.add_argument("--days", type=int, default=MOST_DAYS, help=f"1 to {MOST_DAYS}; as many if not given")

    def handle(self, *_: object, against: Path | None, days: int, **__: Any) -> None:
        for line in _state() if against is None else _comparison(_compared(against, days)):
            self.stdout.write(line)


def _compared(folder: Path, days: int) -> Comparison:
    if not 1 <= days <= MOST_DAYS:
        raise CommandError(f"--days is 1 to {MOST_DAYS}.")
    files = ZoneFiles(folder)
    if files.zone("UTC") is None:
        raise CommandError(f"{folder} has no compiled zone files: name a folder such as /usr/share/zoneinfo.")
    return compare_with(files, Schedule.objects.order_by("pk").iterator(), days=days, now=timezone.now())


def _state() -> Iterator[str]:
    yield f"Triggers use the release {tzdata_version()}."
    for row in processes.alive_now():
        yield f"{row.kind} on {row.host}, process {row.pid}: {row.tzdata}"
    for host in Host.objects.order_by("name"):
        yield f"system of {host.name}, whose cron is in {host.zone}: {host.tzdata}. {host.zone_differs}".rstrip()
    moved = last_change()
    yield "No change of the release has moved a schedule." if not moved else f"The last change moved {len(moved)}:"
    yield from map(_replanned, moved[:SHOWN_SCHEDULES])


def _replanned(row: ReplannedSchedule) -> str:
    releases = f"{row.tzdata_before or 'another'} -> {row.tzdata_after}"
    return f"{_named(row.schedule)}: from {_utc(row.due_before)} to {_utc(row.due_after)} ({releases})"


def _comparison(found: Comparison) -> Iterator[str]:
    span = f"up to {_utc(found.until)}"
    if not found.moved:
        yield f"{found.against} instead of {tzdata_version()} moves no schedule {span}."
    else:
        yield f"{found.against} instead of {tzdata_version()} moves {len(found.moved)} schedules {span}:"
    for moved in found.moved:
        yield from _moved(moved)
    if not found.complete:
        yield "There is more: not all occurrences were compared. Ask for fewer --days."


def _moved(moved: MovedOccurrences) -> Iterator[str]:
    found = moved.difference
    yield f"{_named(moved.schedule)}:"
    for before, after in found.moved[:SHOWN]:
        yield f"  from {_utc(before)} to {_utc(after)}"
    for verb, times in (("vanishes", found.vanish), ("appears", found.appear)):
        for at in times[:SHOWN]:
            yield f"  {_utc(at)} {verb}"
    rest = sum(max(0, len(times) - SHOWN) for times in (found.moved, found.vanish, found.appear))
    if rest:
        yield f"  and {rest} more"


def _named(schedule: Schedule) -> str:
    return f"schedule {schedule.pk} ({printable(schedule.name)}, {schedule.timezone})"


def _utc(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
