"""The timeline of a few schedules: a lane for each, with what was planned, what ran, how long, how late, and rests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import takewhile
from operator import or_
from statistics import median
from typing import Any, Final

from django.db.models import OuterRef, Q, QuerySet, Subquery

from dashboard.readable import LOOKS
from dashboard.timeline.rests import Rest, rests
from dashboard.timeline.window import WIDTH, Window
from scheduling import queries
from scheduling.errors import InvalidTrigger
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task

# Lanes of one page: more are read as a heat map.
MOST: Final = 25
# Tasks of a lane, the newest ones, and planned occurrences.
MOST_RUNS: Final = 150
# Marks of a lane that are links of their own: what did not go well, the newest ones.
MOST_LINKS: Final = 8
# Where a mark begins and ends across a lane: of 24.
_BASE: Final = 20
# No mark is narrower: it could not be seen.
_NARROWEST: Final = 3.0
_TROUBLE: Final = {Status.FAILED, Status.MISSED}


@dataclass(frozen=True, slots=True)
class Run:
    """A task of a lane."""

    task: int
    status: str
    due: datetime
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True, slots=True)
class Mark:
    """What did not go well, as a link: a bar from `x`, `width` wide, as high as its status is in a strip."""

    run: Run
    word: str
    tone: str
    hollow: bool
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One schedule. `paths` are (class, SVG path) of all bars of one kind.

    Runs are drawn from `cut_x` on, and what is planned up to `more_x`: each is 0 where all of them are.
    """

    schedule: Schedule
    paths: list[tuple[str, str]]
    marks: list[Mark]
    planned: int
    runs: int
    troubles: int
    lasted: timedelta | None
    latest: timedelta | None
    cut_x: float
    more_x: float
    rests: list[Rest]


def lanes(schedules: Sequence[Schedule], shown: Window, *, tasks: QuerySet[Task], now: datetime) -> list[Lane]:
    """A lane for each schedule, in their order. Three statements, however many there are."""
    runs, resting = _runs(schedules, shown, tasks), rests(schedules, shown)
    return [_lane(schedule, runs[schedule.pk], resting[schedule.pk], shown, now) for schedule in schedules]


def _runs(schedules: Sequence[Schedule], shown: Window, tasks: QuerySet[Task]) -> dict[int, list[Run]]:
    """The newest tasks of each schedule that were due in the window, oldest first."""
    found: dict[int, list[Run]] = {schedule.pk: [] for schedule in schedules}
    inside = {"due_at__gte": shown.start, "due_at__lt": shown.end}
    own = tasks.filter(schedule=OuterRef("pk"), **inside).order_by("-due_at").values("due_at")
    edges = queries.schedules().filter(pk__in=found).annotate(edge=Subquery(own[MOST_RUNS - 1 : MOST_RUNS]))
    wanted = [
        Q(schedule=pk, due_at__gte=edge or shown.start, due_at__lt=shown.end)
        for pk, edge in edges.values_list("pk", "edge")
    ]
    if not wanted:
        return found
    columns = ("schedule_id", "pk", "status", "due_at", "started_at", "finished_at")
    for schedule_id, *values in tasks.filter(reduce(or_, wanted)).order_by("due_at").values_list(*columns):
        found[schedule_id].append(Run(*values))
    return found


def _lane(schedule: Schedule, runs: list[Run], resting: list[Rest], shown: Window, now: datetime) -> Lane:
    coming, is_all = _coming(schedule, shown)
    lasted = [run.finished - run.started for run in runs if run.started and run.finished]
    late = [run.started - run.due for run in runs if run.started]
    troubles = [run for run in runs if run.status in _TROUBLE]
    linked = troubles[-MOST_LINKS:]
    return Lane(
        schedule=schedule,
        paths=list(_paths([run for run in runs if run not in linked], coming, shown, now)),
        marks=[_mark(run, shown, now) for run in linked],
        planned=len(coming),
        runs=len(runs),
        troubles=len(troubles),
        lasted=timedelta(seconds=median(span.total_seconds() for span in lasted)) if lasted else None,
        latest=max(late, default=None),
        cut_x=shown.x(runs[0].due) if len(runs) == MOST_RUNS else 0.0,
        more_x=0.0 if is_all or not coming else shown.x(coming[-1]),
        rests=resting,
    )


def _coming(schedule: Schedule, shown: Window) -> tuple[list[datetime], bool]:
    """The coming occurrences of the window, and whether these are all of them."""
    try:
        following = queries.next_occurrences(schedule, count=MOST_RUNS)
    except InvalidTrigger:
        return [], True  # this machine does not know its zone: the list of schedules says so
    is_all = len(following) < MOST_RUNS or following[-1] >= shown.end
    return [at for at in takewhile(lambda at: at < shown.end, following) if at >= shown.start], is_all


def _paths(runs: list[Run], coming: list[datetime], shown: Window, now: datetime) -> Iterator[tuple[str, str]]:
    """All bars of one kind as one path: a lane of 150 runs has a dozen elements, not hundreds."""
    parts: dict[str, list[str]] = {}
    for run in runs:
        mark = _mark(run, shown, now)
        name = f"mark-{mark.tone}" + (" mark-hollow" if mark.hollow else "")
        parts.setdefault(name, []).append(f"M{mark.x:g} {mark.y:g}h{mark.width:g}v{mark.height:g}h-{mark.width:g}z")
        # The time for which it was late: a line from when it was due.
        if run.started and (gap := shown.x(run.started) - shown.x(run.due)) >= 1:
            parts.setdefault("late", []).append(f"M{shown.x(run.due):g} {_BASE}h{gap:g}")
    parts["plan"] = [f"M{shown.x(at):g} 6v{_BASE - 6}" for at in coming]
    return ((name, "".join(path)) for name, path in parts.items() if path)


def _mark(run: Run, shown: Window, now: datetime) -> Mark:
    look: Any = LOOKS[run.status]
    begin = run.started or run.due
    end = run.finished or (now if run.started else begin)
    x = shown.x(begin)
    width = max(round(shown.x(max(end, begin)) - x, 1), _NARROWEST)
    return Mark(run, look.word, look.tone, look.hollow, min(x, WIDTH - width), _BASE - look.height, width, look.height)
