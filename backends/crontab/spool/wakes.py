"""Which wake-ups found no database? They are noted, and told when it is back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backends.crontab import files
from backends.crontab.spool.store import Spool

# A wake-up each minute for eight hours. The oldest are kept, for they say since when; later ones are counted.
MOST_WAKES: Final = 500


@dataclass(frozen=True, slots=True)
class Wakes:
    """The wake-ups without a database, in order of time, and how many more there were up to `last`."""

    at: tuple[datetime, ...]
    more: int
    last: datetime


def note(spool: Spool, *, now: datetime) -> None:
    """Note a wake-up at `now`; it is on the disk when this returns. Raises OSError. The caller holds the lock."""
    before = read(spool)
    at, more = (before.at, before.more) if before else ((), 0)
    if len(at) < MOST_WAKES:
        at = (*at, now)
    else:
        more += 1
    values = {"at": [each.isoformat() for each in at], "more": more, "last": now.isoformat()}
    files.replace(spool.wakes, json.dumps(values).encode("ascii"), mode=0o600)


def read(spool: Spool) -> Wakes | None:
    """The wake-ups that are noted; None if there are none, or their file is damaged."""
    try:
        values = json.loads(spool.wakes.read_text(encoding="ascii"))
        at = tuple(datetime.fromisoformat(each) for each in values["at"])
        return Wakes(at, int(values["more"]), datetime.fromisoformat(values["last"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
