"""`manage.py move --to crontab --where sync=out_of_sync`: move all schedules that match to another backend."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError

from api.schedules.filters import ManySchedulesFilter
from scheduling import bulk, clock, queries
from scheduling.errors import InvalidRequest
from scheduling.models import Schedule


class Command(BaseCommand):
    """Prints a line for each schedule. The exit code is 1 if one of them was refused."""

    help = "Moves the schedules that match to another backend, or shows with --dry-run what would move."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", required=True, metavar="BACKEND", help="the backend: beat, crontab or auto")
        parser.add_argument("--host", default="", help="the host whose crontab is meant")
        parser.add_argument(
            "--where",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a filter of the list of schedules, such as backend=beat or q=nightly; may be given several times",
        )
        parser.add_argument("--all", action="store_true", help="move every schedule; without it --where is needed")
        parser.add_argument("--dry-run", action="store_true", help="only show what would happen")

    def handle(self, *_: Any, **options: Any) -> None:
        if bool(options["where"]) == options["all"]:
            raise CommandError("Write which schedules are meant: --where NAME=VALUE, or --all.")
        rows = _matching(options["where"])
        try:
            moved = bulk.move(rows, to=options["to"], host=options["host"], dry_run=options["dry_run"], now=clock.now())
        except InvalidRequest as exc:
            raise CommandError(exc.detail) from exc
        for one in moved:
            place = f"{one.routed_to} on {one.host}" if one.host else one.routed_to
            self.stdout.write(
                f"{one.schedule} {one.outcome} {place} {one.name!a}" + f" ({one.detail})" * bool(one.detail)
            )
        refused = sum(1 for one in moved if one.outcome == "refused")
        if refused:
            raise CommandError(f"{refused} of {len(moved)} schedules were refused.")


def _matching(conditions: list[str]) -> QuerySet[Schedule]:
    """The schedules that the filters of the list let through. Raises CommandError."""
    given = dict(condition.partition("=")[::2] for condition in conditions)
    found = ManySchedulesFilter(given, queryset=queries.schedules())
    try:
        if found.is_valid():
            rows: QuerySet[Schedule] = found.qs
            return rows
        errors = {name: [str(error) for error in errors] for name, errors in found.errors.items()}
    except InvalidRequest as exc:
        raise CommandError("; ".join(f"--where {one.field}: {one.detail}" for one in exc.problems)) from exc
    except ValidationError as exc:
        # It is raised with one member for each unknown filter.
        found_wrong: Any = exc.detail
        errors = {name: [str(error) for error in each] for name, each in found_wrong.items()}
    raise CommandError("; ".join(f"--where {name}: {' '.join(each)}" for name, each in errors.items()))
