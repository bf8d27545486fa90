"""Why can a crontab not hold a schedule?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.conf import settings

from backends.crontab import installation
from backends.crontab.block import MOST_LINES, split
from backends.crontab.entries import LINES_AROUND
from backends.crontab.targets import Target
from scheduling import hosts
from scheduling.errors import BackendError, Problem
from scheduling.models import Schedule
from scheduling.phrases import phrase

# The comment and the line that one wake-up each minute takes, for any number of schedules.
_FEWEST_LINES = 2
# Inside of `reading_once`: of each table that was read, how many lines are not ours.
_known: Final[ContextVar[dict[str, int] | None]] = ContextVar("foreign_lines", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """Inside of the block a table is read for its first check, and not again: reading one starts programs."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def of_trigger(schedule: Schedule) -> list[Problem]:
    """The problems of the trigger. Cron has no seconds: an interval must be whole minutes from a whole minute on."""
    if schedule.every is None:
        return []
    if schedule.every % 60:
        detail = phrase(
            "Cron cannot start something every {seconds} seconds: write a multiple of 60, "
            "or choose a backend with seconds.",
            seconds=schedule.every,
        )
    elif schedule.anchor.second or schedule.anchor.microsecond:
        detail = phrase(
            "Cron starts something at whole minutes only: let the interval start at a whole minute, "
            "or choose a backend with seconds."
        )
    else:
        return []
    return [Problem("every", "needs_seconds", detail)]


def of_host(host: str, target: Target | None) -> list[Problem]:
    """The problems of the host: it has no crontab, or its crontab has no room for a line.

    `target` is the crontab of this machine.
    """
    wrong = hosts.problem_with(host)
    if wrong:
        return [Problem("host", "no_crontab", wrong)]
    here = host == settings.TANDEM_HOST
    foreign = _foreign_lines(target) if here and target is not None else 0
    if foreign + LINES_AROUND + _FEWEST_LINES > MOST_LINES:
        detail = phrase(
            "The crontab of {host} is full: cron reads no table of more than 10,000 lines. "
            "Choose another host or backend.",
            host=host,
        )
        return [Problem("host", "crontab_full", detail)]
    return []


def _foreign_lines(target: Target) -> int:
    """How many lines of the table are not ours."""
    known = _known.get()
    if known is None:
        return _count(target)
    if target.describe() not in known:
        known[target.describe()] = _count(target)
    return known[target.describe()]


def _count(target: Target) -> int:
    try:
        return split(target.read(), installation.owner(target)).foreign.count(b"\n")
    except BackendError:
        # The crontab cannot be read, or is damaged: the schedule is not at fault. It is stored, `install` reports the
        # reason, and a later sync installs it.
        return 0
