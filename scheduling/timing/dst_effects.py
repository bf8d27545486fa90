"""What clock changes do to a cron expression: which runs they affect, and how. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from itertools import pairwise, takewhile

from scheduling.timing.cron import Cron
from scheduling.timing.dst import Stretch, stretches
from scheduling.timing.grammar import HOUR
from scheduling.timing.instants import EPOCH_ORDINAL, LAST_MINUTE, MINUTES_A_DAY, instant, minute_of
from scheduling.timing.zones import Zone


class Effect(Enum):
    """What happens to the runs whose time of day is skipped or repeated."""

    SKIPPED = "skipped"
    """The clock does not show these times that night, and the runs do not happen."""
    LATE = "late"
    """The clock does not show these times that night. There is one run, at the end of the gap."""
    TWICE = "twice"
    """The clock shows these times twice, and the runs happen both times."""
    FIRST_ONLY = "first_only"
    """The clock shows these times twice. The runs happen the first time only."""


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A clock change that affects an expression: on `day`, clocks skip or repeat the time from `begins` to `ends`.

    `at` is the instant of the change (UTC). `runs` is the number of matching times of day in between.
    """

    day: date
    at: datetime
    begins: str
    ends: str
    effect: Effect
    runs: int


@dataclass(frozen=True, slots=True)
class _Change:
    at: int
    local: range
    forward: bool
    caught_up: bool
    everyone: bool
    repeated: bool


def clock_changes(cron: Cron, *, now: datetime, days: int = 365) -> list[ClockChange]:
    """The clock changes in the `days` after `now` that skip or repeat the time of a run of `cron`.

    A wildcard expression for every hour (`*/5 * * * *`) runs evenly through a change, and has none.
    """
    if cron.wildcard and len(cron.hour.values) == HOUR.high + 1:
        return []
    start = minute_of(now)
    end = min(start + days * MINUTES_A_DAY, LAST_MINUTE)
    found = []
    for change in _changes(cron.zone, instant(start).year, instant(end).year):
        if start < change.at <= end:
            runs = sum(
                1 for _ in takewhile(change.local.__contains__, cron.local_times.minutes_from(change.local.start))
            )
            if runs:
                found.append(_clock_change(change, runs, wildcard=cron.wildcard))
    return found


def _clock_change(change: _Change, runs: int, *, wildcard: bool) -> ClockChange:
    if change.forward:
        late = change.caught_up and (change.everyone or not wildcard)
        effect = Effect.LATE if late else Effect.SKIPPED
    else:
        effect = Effect.FIRST_ONLY if change.repeated and not wildcard else Effect.TWICE
    day, begins = divmod(change.local.start, MINUTES_A_DAY)
    return ClockChange(
        date.fromordinal(day + EPOCH_ORDINAL),
        instant(change.at),
        _clock(begins),
        _clock(change.local.stop % MINUTES_A_DAY),
        effect,
        runs,
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@lru_cache(maxsize=1024)
def _changes(zone: Zone, first_year: int, last_year: int) -> tuple[_Change, ...]:
    parts = [stretch for year in range(first_year, last_year + 1) for stretch in stretches(zone, year)]
    return tuple(_changed(parts))


def _changed(parts: list[Stretch]) -> Iterator[_Change]:
    for before, after in pairwise(parts):
        ahead = after.offset - before.offset
        if ahead:
            shown = sorted((after.begin + before.offset, after.begin + after.offset))
            yield _Change(
                at=after.begin,
                local=range(*shown),
                forward=ahead > 0,
                caught_up=bool(after.skipped),
                everyone=after.everyone,
                repeated=after.repeated,
            )
