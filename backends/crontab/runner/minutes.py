"""Which lines of a private table are due, minute by minute, as a cron in UTC would find them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from backends.crontab import block
from backends.crontab.block import split
from backends.crontab.targets import Target
from scheduling.entry import Entry
from scheduling.errors import BackendError, InvalidTrigger
from scheduling.timing import Cron

log = logging.getLogger(__name__)

# After a machine slept, lines of this long are caught up, once each: the ledger knows what was due before.
LONGEST_LOOK_BACK: Final = timedelta(hours=3)


def due_schedules(entries: Iterable[Entry], *, after: datetime, until: datetime) -> list[int]:
    """The schedules with a line that matches after `after`, up to and including `until`; each once, in order.

    Lines that are not ours, or not cron, are never due. Pure.
    """
    after = max(after, until - LONGEST_LOOK_BACK)
    found = {entry.schedule_id: None for entry in entries if _matches(entry, after, until)}
    return list(found)


def _matches(entry: Entry, after: datetime, until: datetime) -> bool:
    if entry.schedule_id == block.NOT_OURS:
        return False
    try:
        due = Cron.parse(block.expression_of(entry), "UTC").next(after)
    except InvalidTrigger:
        return False
    return due is not None and due <= until


class Minutes:
    """Walks through time over a table, from `since` on."""

    def __init__(self, target: Target, since: datetime) -> None:
        self._target = target
        self._seen = since
        self._complaint = ""

    def step(self, now: datetime) -> list[int]:
        """The schedules due since the last step. A clock put back is waited for, an hour at most."""
        minute = now.replace(second=0, microsecond=0)
        if minute <= self._seen:
            if self._seen - minute > timedelta(hours=1):
                self._seen = minute
            return []
        after, self._seen = self._seen, minute
        return due_schedules(self._entries(), after=after, until=minute)

    def _entries(self) -> list[Entry]:
        """What the table holds; why it holds nothing, or what is not run, is said once."""
        try:
            parts = split(self._target.read())
        except BackendError as exc:
            self._complain(exc.detail)
            return []
        entries = block.read(parts.block)
        strange = len(_commands(parts.foreign)) + sum(entry.schedule_id == block.NOT_OURS for entry in entries)
        self._complain(
            f"{strange} lines of {self._target.describe()} are not Tandem's: they are not run" if strange else ""
        )
        return entries

    def _complain(self, complaint: str) -> None:
        if complaint and complaint != self._complaint:
            log.warning("%s", complaint)
        self._complaint = complaint


def _commands(foreign: bytes) -> list[bytes]:
    return [line for line in foreign.split(b"\n") if line.strip() and not line.lstrip().startswith(b"#")]
