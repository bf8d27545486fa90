"""How many active schedules are due in a minute: their triggers by minute of the hour, so that few are looked at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Final

from django.db.models import Count

from scheduling.errors import InvalidTrigger
from scheduling.models import Schedule
from scheduling.timing import Cron
from scheduling.timing.dst import stretch_at
from scheduling.timing.instants import minute_of, since_epoch
from scheduling.timing.zones import Zone

# Different triggers that are looked at, of each kind: each costs a search.
_MOST_TRIGGERS: Final = 5_000
# Above this many schedules, counting them takes longer than all else in an answer.
_COUNTED_EACH_TIME: Final = 1_000
# A new schedule may be missing from the warnings of these seconds.
_KEPT_SECONDS: Final = 10.0
_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(slots=True)
class _OfZone:
    """The expressions of one zone, each with its number of schedules: all, and by the minutes of their hour."""

    all: list[tuple[Cron, int]] = field(default_factory=list)
    by_minute: tuple[list[tuple[Cron, int]], ...] = field(default_factory=lambda: tuple([] for _ in range(60)))

    def add(self, cron: Cron, count: int) -> None:
        self.all.append((cron, count))
        for minute in cron.minute.values:
            self.by_minute[minute].append((cron, count))

    def due_at(self, minute: int, zone: Zone) -> int:
        stretch = stretch_at(zone, minute)
        if stretch is None:
            return 0
        hour, minute_of_hour = divmod(minute + stretch.offset, 60)
        candidates: Iterable[tuple[Cron, int]] = self.all
        # After a gap, those are due as well whose time of day was skipped.
        if not (stretch.skipped and minute == stretch.begin):
            hour %= 24
            candidates = (one for one in self.by_minute[minute_of_hour] if hour in one[0].hour.values)
        return sum(count for cron, count in candidates if cron.fires_at(minute))


@dataclass(slots=True)
class _Counted:
    """The triggers of the active schedules at one time.

    `intervals` are their first second (since 1970), their seconds, and how many schedules have them.
    """

    crons: dict[tuple[str, str], Cron] = field(default_factory=dict)
    zones: defaultdict[Zone, _OfZone] = field(default_factory=lambda: defaultdict(_OfZone))
    intervals: list[tuple[int, int, int]] = field(default_factory=list)
    schedules: int = 0

    def due_in(self, minute: datetime) -> int:
        number, second = minute_of(minute), since_epoch(minute) // _SECOND
        of_intervals = sum(
            count
            for first, seconds, count in self.intervals
            if ((first - second) % seconds if second >= first else first - second) < 60
        )
        return of_intervals + sum(found.due_at(number, zone) for zone, found in self.zones.items())

    def due_by_step(self, start: datetime, step: timedelta, number: int) -> list[int]:
        totals, first, minutes = [0] * number, minute_of(start), step // timedelta(minutes=1)
        # Most days of most expressions have the same times of day: those of a step are counted once.
        seen: dict[tuple[tuple[int, ...], int], Counter[int]] = {}
        for cron, count in (one for found in self.zones.values() for one in found.all):
            for base, times in cron.by_day(start - _MINUTE, start + number * step - _MINUTE):
                at, into = divmod(base - first, minutes)
                key = (times, into)
                if key not in seen:
                    seen[key] = Counter((into + time) // minutes for time in times)
                for offset, runs in seen[key].items():
                    totals[at + offset] += runs * count
        self._add_intervals(totals, since_epoch(start) // _SECOND, step // _SECOND)
        return totals

    def _add_intervals(self, totals: list[int], start: int, step: int) -> None:
        often = 0.0
        for first, seconds, count in self.intervals:
            if seconds <= step:
                often += count * step / seconds
                continue
            due = first if first >= start else start + (first - start) % seconds
            for at in range(due, start + step * len(totals), seconds):
                totals[(at - start) // step] += count
        for index in range(len(totals)):
            totals[index] += round(often)


class StoredTriggers:
    """The triggers of the active schedules: their first 5,000 distinct expressions and 5,000 distinct intervals.

    They are counted anew at each question; where they are many, at most every ten seconds. Threads may share one.
    """

    def __init__(self) -> None:
        self._counted = _Counted()
        self._valid_until = 0.0
        self._lock = Lock()

    def due_in(self, minutes: Iterable[datetime]) -> list[int]:
        """How many active schedules are due in each of these minutes (their first instants)."""
        counted = self._now()
        return [counted.due_in(minute) for minute in minutes]

    def due_by_step(self, start: datetime, *, step: timedelta, number: int) -> list[int]:
        """How many occurrences they have in each of `number` steps (whole minutes) from `start` (a whole minute) on.

        Intervals below the step are spread evenly. Start and end dates of the schedules are not looked at.
        """
        return self._now().due_by_step(start, step, number)

    def zones(self) -> set[Zone]:
        """The time zones of the active schedules, as `due_in` knows them."""
        return set(self._now().zones)

    def _now(self) -> _Counted:
        with self._lock:
            if monotonic() >= self._valid_until:
                self._counted = _count(self._counted.crons)
                keep = self._counted.schedules > _COUNTED_EACH_TIME
                self._valid_until = monotonic() + (_KEPT_SECONDS if keep else 0.0)
            return self._counted


def _count(known: Mapping[tuple[str, str], Cron]) -> _Counted:
    """Read the triggers. `known` are expressions that need not be parsed again."""
    counted = _Counted()
    active = Schedule.objects.filter(next_due_at__isnull=False).order_by()
    crons = active.exclude(cron="").values_list("cron", "timezone").annotate(count=Count("pk"))
    for expression, timezone, count in crons[:_MOST_TRIGGERS]:
        counted.schedules += count
        try:
            cron = known.get((expression, timezone)) or Cron.parse(expression, timezone)
        except InvalidTrigger:
            continue  # this machine no longer knows the zone: such a schedule is never due
        counted.crons[expression, timezone] = cron
        counted.zones[cron.zone].add(cron, count)
    intervals = active.filter(cron="").values_list("every", "anchor").annotate(count=Count("pk"))
    for seconds, anchor, count in intervals[:_MOST_TRIGGERS]:
        counted.schedules += count
        counted.intervals.append((since_epoch(anchor) // _SECOND, seconds, count))
    return counted
