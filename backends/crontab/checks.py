"""Why a crontab cannot hold a schedule."""

from __future__ import annotations

from django.conf import settings

from backends.crontab.block import MOST_LINES, split
from backends.crontab.targets import Target
from scheduling import hosts
from scheduling.errors import BackendError, Problem
from scheduling.models import Schedule

# A schedule takes a comment and a line; the block two markers, two assignments and perhaps a line break.
_LINES_EACH = 2
# As above: what the block takes by itself.
_LINES_AROUND = 5


def of_trigger(schedule: Schedule) -> list[Problem]:
    """Cron's clock has no seconds: an interval must be whole minutes, counted from a whole minute."""
    if schedule.every is None:
        return []
    if schedule.every % 60:
        detail = (
            f"Cron cannot wake us every {schedule.every} seconds: write a multiple of 60, "
            "or choose a backend with seconds."
        )
    elif schedule.anchor.second or schedule.anchor.microsecond:
        detail = (
            "Cron wakes us at whole minutes only: let the interval start at a whole minute, "
            "or choose a backend with seconds."
        )
    else:
        return []
    return [Problem("every", "needs_seconds", detail)]


def of_host(host: str, target: Target | None, *, expected: int) -> list[Problem]:
    """Whether the host has a crontab, with room for `expected` schedules. `target` is this machine's."""
    wrong = hosts.problem_with(host)
    if wrong:
        return [Problem("host", "no_crontab", wrong)]
    here = host == settings.TANDEM_HOST
    try:
        foreign = split(target.read()).foreign.count(b"\n") if here and target is not None else 0
    except BackendError:
        # No fault of the schedule's: it is stored, installing it says why it is not there, and sync mends it.
        return []
    if foreign + _LINES_AROUND + _LINES_EACH * expected > MOST_LINES:
        detail = (
            f"The crontab of {host} is full: cron reads no table of more than 10,000 lines. "
            "Choose another host or backend."
        )
        return [Problem("host", "crontab_full", detail)]
    return []
