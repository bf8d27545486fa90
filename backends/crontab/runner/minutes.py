"""Is a line of a private crontab file due, minute by minute, for a cron in UTC?"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from backends.crontab import installation, lines
from backends.crontab.block import split
from backends.crontab.targets import Target
from scheduling.entry import Entry
from scheduling.errors import BackendError, InvalidTrigger
from scheduling.timing import Cron

log = logging.getLogger(__name__)

# After the machine slept, the lines of this last period count. The ledger knows what was due before it.
LONGEST_LOOK_BACK: Final = timedelta(hours=3)


def any_due(entries: Iterable[Entry], *, after: datetime, until: datetime) -> bool:
    """Whether one of the lines is due after `after` and not after `until`.

    Times more than LONGEST_LOOK_BACK before `until` do not count. Lines that are not valid cron are never due. Pure.
    """
    after = max(after, until - LONGEST_LOOK_BACK)
    return any(_is_due(entry, after, until) for entry in entries)


def _is_due(entry: Entry, after: datetime, until: datetime) -> bool:
    try:
        due = Cron.parse(lines.expression_of(entry), "UTC").next(after)
    except InvalidTrigger:
        return False
    return due is not None and due <= until


class Minutes:
    """Tells whether our lines of `target` are due, minute by minute, beginning after `since`."""

    def __init__(self, target: Target, since: datetime) -> None:
        self._target = target
        self._seen = since
        self._last_warning = ""

    def step(self, now: datetime) -> bool:
        """Whether a line of ours is due since the last step.

        If the clock was put back by up to an hour, nothing is due until it shows the time of the last step again. If it
        was put back further, minutes count from the new time on.
        """
        minute = now.replace(second=0, microsecond=0)
        if minute <= self._seen:
            if self._seen - minute > timedelta(hours=1):
                self._seen = minute
            return False
        after, self._seen = self._seen, minute
        return any_due(self._entries(), after=after, until=minute)

    def _entries(self) -> list[Entry]:
        """Our entries in the file. A file that cannot be read, or lines that are not run, are logged once."""
        try:
            parts = split(self._target.read(), installation.owner(self._target))
        except BackendError as exc:
            self._warn_once(exc.detail)
            return []
        not_ours = len(_commands(parts.foreign))
        self._warn_once(
            f"{not_ours} lines of {self._target.describe()} are not Tandem's: they are not run" if not_ours else ""
        )
        return lines.read(parts.block)

    def _warn_once(self, warning: str) -> None:
        if warning and warning != self._last_warning:
            log.warning("%s", warning)
        self._last_warning = warning


def _commands(foreign: bytes) -> list[bytes]:
    return [line for line in foreign.split(b"\n") if line.strip() and not line.lstrip().startswith(b"#")]
