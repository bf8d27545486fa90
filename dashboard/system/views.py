"""What Tandem runs on: its processes, hosts, broker and database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dashboard.page import Page
from scheduling import clock, doctor, host_states, limit_states, limits_in_force, processes, queues
from scheduling.backend import backend_names
from scheduling.executor import executor_names
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
        states = [state for name in executor_names() for state in queues.states(name)]
        return {
            "troubles": sum(not each.ok for each in found) + sum(state.is_stuck for state in states),
            "findings": found,
            "queues": states,
            "backends": backend_names(),
            "processes": [(row, row.silence <= processes.SILENT_AFTER) for row in processes.known()],
            "limits": limit_states.visible() if limits_in_force.any_set() else [],
            "hosts": host_states.states(Host.objects.order_by("name"), now=now),
        }


def _parts(now: datetime) -> Iterator[Finding]:
    """What the tables do not show already."""
    yield doctor.database()
    yield from doctor.executors()
    yield from doctor.processes()
    yield doctor.upkeep(now=now)
    yield doctor.plans(now=now)
    yield doctor.time_zones()
    yield from doctor.backends()
    yield doctor.lateness(now=now)
