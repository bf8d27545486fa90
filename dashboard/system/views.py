"""What Tandem runs on: its processes, hosts, broker and database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dashboard.page import Page
from scheduling import clock, doctor, host_states, processes
from scheduling.findings import Finding
from scheduling.models import Host


class System(Page):
    """Whether every part works, and which processes and hosts there are."""

    section = "system"
    for_bound = False
    template_name = "dashboard/system.html"

    def content(self) -> dict[str, Any]:
        """The findings of `manage.py doctor`, and the processes and hosts as tables."""
        now = clock.now()
        found = list(_parts(now))
        return {
            "troubles": [each for each in found if not each.ok],
            "findings": found,
            "processes": [(row, row.silence <= processes.SILENT_AFTER) for row in processes.known()],
            "hosts": host_states.states(Host.objects.order_by("name"), now=now),
        }


def _parts(now: datetime) -> Iterator[Finding]:
    """What the tables do not show already."""
    yield doctor.database()
    yield from doctor.executors()
    yield from doctor.processes()
    yield from doctor.queues()
    yield doctor.upkeep(now=now)
    yield doctor.plans(now=now)
    yield doctor.time_zones()
    yield from doctor.backends()
