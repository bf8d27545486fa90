"""Figures about the tasks that ended in a period. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from scheduling.lifecycle import Status

# Rows of a table: a longer one is not read.
MOST_GROUPS: Final = 200
# The newest ones; the counts are of all.
MOST_FAILURES: Final = 50
# Characters of an error's first line: one row of a table.
_MOST_ERROR: Final = 300


@dataclass(frozen=True, slots=True)
class Row:
    """What the report needs of one task. `error` is the beginning of its error."""

    task_id: int
    name: str
    job: str
    schedule: str
    status: str
    due_at: datetime | None
    started_at: datetime | None
    finished_at: datetime
    error: str

    @property
    def seconds(self) -> float | None:
        """How long its last attempt ran; None if it never ran."""
        return None if self.started_at is None else max(0.0, (self.finished_at - self.started_at).total_seconds())


@dataclass(slots=True)
class Group:
    """Figures of the tasks of one job, of one schedule, or of all tasks. `durations` are in seconds."""

    name: str
    statuses: Counter[str] = field(default_factory=Counter)
    durations: list[float] = field(default_factory=list)
    late: int = 0

    @property
    def total(self) -> int:
        return self.statuses.total()

    @property
    def p50(self) -> float | None:
        """The median run time in seconds."""
        return percentile(self.durations, 50)

    @property
    def p95(self) -> float | None:
        """The 95th percentile of the run times, in seconds."""
        return percentile(self.durations, 95)

    def count(self, status: Status) -> int:
        return self.statuses[status]

    def add(self, row: Row, *, late_after: timedelta) -> None:
        self.statuses[row.status] += 1
        self.late += is_late(row, late_after)
        if row.seconds is not None:
            self.durations.append(row.seconds)


@dataclass(slots=True)
class Summary:
    """Figures of the tasks that ended from `since` (included) to `until` (not included).

    `jobs` and `schedules` hold the MOST_GROUPS groups with most tasks, `failures` the newest MOST_FAILURES. `complete`
    is true if every task of the period was counted.
    """

    since: datetime
    until: datetime
    late_after: timedelta
    everything: Group
    jobs: list[Group]
    schedules: list[Group]
    failures: list[Row]
    complete: bool


def summary(rows: Iterable[Row], *, since: datetime, until: datetime, late_after: timedelta, most: int) -> Summary:
    """The figures of the first `most` rows. `rows` must be newest first."""
    everything, complete = Group("all"), True
    jobs: dict[str, Group] = {}
    schedules: dict[str, Group] = {}
    failures: list[Row] = []
    for number, row in enumerate(rows):
        if number >= most:
            complete = False
            break
        groups = [everything, jobs.setdefault(row.job, Group(row.job))]
        if row.schedule:
            groups.append(schedules.setdefault(row.schedule, Group(row.schedule)))
        for group in groups:
            group.add(row, late_after=late_after)
        if row.status == Status.FAILED and len(failures) < MOST_FAILURES:
            failures.append(row)
    return Summary(
        since, until, late_after, everything, _busiest(jobs.values()), _busiest(schedules.values()), failures, complete
    )


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The smallest value that at least `percent` % of all values do not exceed (nearest rank). None without values."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def is_late(row: Row, late_after: timedelta) -> bool:
    """Whether the task started more than `late_after` after it was due."""
    return row.due_at is not None and row.started_at is not None and row.started_at - row.due_at > late_after


def first_line(error: str) -> str:
    """The first line that is not blank, cut to _MOST_ERROR characters."""
    return next((line.strip() for line in error.splitlines() if line.strip()), "")[:_MOST_ERROR]


def _busiest(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: (-group.total, group.name))[:MOST_GROUPS]
