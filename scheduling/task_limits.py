"""How many tasks may run at once, and how many may start in a time? Reads limits, and counts starts. Pure.

Starts are counted by the generic cell rate algorithm (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm): one
time says it all, and a limit of 10 a minute is a bucket of 10 places of which one is filled again every six seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

# A target: jobs and queues by their names, keys by their names or all of them, each of its own.
JOB: Final = "job:"
QUEUE: Final = "queue:"
KEY: Final = "key:"
EACH_KEY: Final = "key:*"
# The longest name of a job has 100 characters.
LONGEST_TARGET: Final = 110
# What a key may be. As queues: it stands in addresses, in settings and in statements.
KEY_TEXT: Final = re.compile(r"[A-Za-z0-9_.-]{0,64}", re.ASCII)
# More than a machine runs, or starts: a limit beyond is a mistake.
MOST: Final = 1_000_000

_TARGET: Final = re.compile(r"(job:[A-Za-z0-9_.-]{1,100}|(queue|key):[A-Za-z0-9_.-]{1,64}|key:\*)", re.ASCII)
_RATE: Final = re.compile(r"([1-9][0-9]{0,6})/([smhd])", re.ASCII)
# What the letters of a rate stand for.
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MEMBERS: Final = ("concurrency", "rate", "burst")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `concurrency` tasks run at once, and `rate` says how many start: `10/m` (s, m, h or d).

    After a pause `burst` of them may start at once: as many as the rate says, if it is None. Either of the first two
    may be left out. Raises ValueError, which says what to write.
    """

    concurrency: int | None = None
    rate: str = ""
    burst: int | None = None

    def __post_init__(self) -> None:
        for name in ("concurrency", "burst"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or not 1 <= value <= MOST):
                raise ValueError(f"write a whole number from 1 to {MOST} as its {name}")
        if self.rate != "" and not _RATE.fullmatch(str(self.rate)):
            raise ValueError("write its rate like 10/m: a number, and s, m, h or d")
        if self.concurrency is None and not self.rate:
            raise ValueError("give it a concurrency, a rate, or both")
        if self.burst is not None and not self.rate:
            raise ValueError("give it a rate, too: burst says how many may start at once")

    @property
    def at_once(self) -> int:
        """How many may start at once after a pause. Only with a rate."""
        return self.burst or int(self.rate.partition("/")[0])

    @property
    def interval(self) -> timedelta:
        """How long it takes until one more may start. Only with a rate."""
        starts, _, unit = self.rate.partition("/")
        return timedelta(seconds=_SECONDS[unit]) / int(starts)

    def starts_left(self, all_free_at: datetime | None, now: datetime) -> int:
        """How many tasks may start now. `all_free_at` is when the whole bucket is full again, None where it is."""
        filled = max(all_free_at or now, now)
        return (now + self.at_once * self.interval - filled) // self.interval

    def after_start(self, all_free_at: datetime | None, now: datetime) -> datetime:
        """When the whole bucket is full again, once a task has started now."""
        return max(all_free_at or now, now) + self.interval

    def next_start(self, all_free_at: datetime | None, now: datetime, *, reserved: int) -> datetime:
        """When one more task than `reserved` may start: `now` or later."""
        filled = max(all_free_at or now, now)
        return max(filled - (self.at_once - reserved - 1) * self.interval, now)

    def __str__(self) -> str:
        parts = [f"{self.concurrency} at once"] if self.concurrency is not None else []
        if self.rate:
            parts.append(self.rate if self.burst is None else f"{self.rate}, {self.burst} at once after a pause")
        return " and ".join(parts)


def read(given: Any) -> dict[str, Limit]:
    """The limits of `{"job:reports.daily": {"concurrency": 2, "rate": "10/m"}}`, by target.

    Raises ValueError, which names what is wrong and says what to write.
    """
    if not isinstance(given, Mapping):
        raise ValueError('write {"job:NAME": {"concurrency": 2, "rate": "10/m"}}')  # noqa: TRY004 - as for all else
    return {target: _limit(target, members) for target, members in given.items()}


def _limit(target: Any, members: Any) -> Limit:
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        raise ValueError(f"{str(target)[:100]!r} is no target: write job:NAME, queue:NAME, key:NAME or {EACH_KEY}")
    if not isinstance(members, Mapping) or set(members) - set(_MEMBERS):
        raise ValueError(f"{target}: write an object with some of {', '.join(_MEMBERS)}")
    try:
        return Limit(**members)
    except ValueError as exc:
        raise ValueError(f"{target}: {exc}") from exc
