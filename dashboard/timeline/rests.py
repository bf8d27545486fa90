"""When schedules rest: before their start, after their end, and while they are paused, as the audit log tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dashboard.timeline.window import Window
from scheduling import queries
from scheduling.models import Schedule

# Entries of the audit log that are read for one picture, the newest: a lane is paused and resumed now and then.
MOST_ENTRIES: Final = 500

# From, and to; None where it has no such end.
Stretch = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Rest:
    """A part of a lane in which nothing is due, from `x` on, `width` wide, and why."""

    why: str
    x: float
    width: float


def rests(schedules: Sequence[Schedule], shown: Window) -> dict[int, list[Rest]]:
    """The rests of each schedule inside of the window, by id. One statement."""
    changes: dict[str, list[tuple[datetime, Any, Any]]] = {str(schedule.pk): [] for schedule in schedules}
    entries = queries.audit_entries().filter(subject="schedule", subject_id__in=changes, changes__has_key="paused")
    for subject_id, at, changed in entries.order_by("-number").values_list("subject_id", "at", "changes")[
        :MOST_ENTRIES
    ]:
        changes[subject_id].append((at, *changed["paused"]))
    return {
        schedule.pk: list(_drawn(schedule, pauses(changes[str(schedule.pk)][::-1], now=schedule.paused), shown))
        for schedule in schedules
    }


def pauses(changes: Sequence[tuple[datetime, Any, Any]], *, now: bool) -> list[Stretch]:
    """The stretches in which it was paused: from (time, before, after) in order, and whether it is paused now. Pure.

    What came before the first change that is known is what that says of it.
    """
    if not changes:
        return [(None, None)] if now else []
    found: list[Stretch] = []
    since: datetime | None = None
    is_paused = bool(changes[0][1])
    for at, _, after in changes:
        if is_paused and not after:
            found.append((since, at))
        elif after and not is_paused:
            since = at
        is_paused = bool(after)
    return [*found, (since, None)] if is_paused else found


def _drawn(schedule: Schedule, paused: Iterable[Stretch], shown: Window) -> Iterator[Rest]:
    stretches: list[tuple[str, Stretch]] = [("Not begun", (None, schedule.starts_at))] if schedule.starts_at else []
    stretches += [("Paused", one) for one in paused]
    stretches += [("Ended", (schedule.ends_at, None))] if schedule.ends_at else []
    for why, (begin, end) in stretches:
        left, right = shown.x(begin or shown.start), shown.x(end or shown.end)
        if right > left:
            yield Rest(why, left, round(right - left, 1))
