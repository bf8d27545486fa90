"""The timeline: what was planned, what ran, how long and how late, on one picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from dashboard.lists import ListPage
from dashboard.schedules.filters import NAMES, choices, wanted
from dashboard.timeline.heat import heat
from dashboard.timeline.lanes import MOST, lanes
from dashboard.timeline.window import SPANS, WIDTH, clock_changes, window
from scheduling import clock, queries
from scheduling.errors import InvalidTrigger
from scheduling.models import Schedule
from scheduling.timing.zones import Zone, zone

# A lane's height in the picture, and that of the axis above them.
LANE: Final = 24
# Minutes at which several of the shown schedules are due, the busiest first.
COLLISIONS: Final = 5
# Occurrences of each lane that are looked at for these minutes.
_MOST_OF_EACH: Final = 150


class Timeline(ListPage):
    """A lane for each schedule, or a heat map when there are many."""

    section = "timeline"
    template_name = "dashboard/timeline.html"
    everything = "timeline"
    filters = NAMES
    orders = {}
    shown_as = ("span", "view")

    def content(self) -> dict[str, Any]:
        """The window that the address asks for. The number of statements is fixed."""
        parameters, now = self.request.GET, clock.now()
        shown = window(parameters, now)
        found = list(queries.schedules().filter(wanted(parameters, now)).order_by("-pk")[: MOST + 1])
        tasks = queries.tasks()
        content = {
            "window": shown,
            "spans": {name: about[0] for name, about in SPANS.items()},
            "ticks": shown.ticks(),
            "now_x": shown.x(now) if shown.start <= now < shown.end else None,
            "width": WIDTH,
            **choices(parameters),
        }
        if len(found) > MOST and not self.is_filtered and self.asked["view"] != "lanes":
            return {**content, "heat": heat(shown, tasks=tasks, now=now)}
        some = found[:MOST]
        return {
            **content,
            "lanes": lanes(some, shown, tasks=tasks, now=now),
            "more": len(found) > MOST,
            "changes": clock_changes(shown, _zones(some)),
            "collisions": _collisions(some, shown.start, shown.end),
        }


def _zones(schedules: Iterable[Schedule]) -> set[Zone]:
    found = set()
    for name in {schedule.timezone for schedule in schedules}:
        try:
            found.add(zone(name))
        except InvalidTrigger:
            continue  # this machine does not know it: it has no clock changes either
    return found


def _collisions(schedules: Iterable[Schedule], start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """The coming minutes at which more than two of these schedules are due."""
    found: Counter[datetime] = Counter()
    for schedule in schedules:
        try:
            due = queries.next_occurrences(schedule, count=_MOST_OF_EACH)
        except InvalidTrigger:
            continue  # as above
        found.update({at.replace(second=0) for at in due if start <= at < end})
    return [(at, count) for at, count in found.most_common(COLLISIONS) if count > 2]
