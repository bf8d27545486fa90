"""Which schedules a list shows, as its address says it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models import Q
from django.http import QueryDict

from dashboard.lists import owned, text_in
from scheduling.backend import backend_names
from scheduling.hosts import OVERDUE_AFTER
from scheduling.models import Host, SyncState

# The states that can be asked for, each with its name on the page.
STATES: Final = {"active": "Active", "paused": "Paused", "ended": "Ended", "trouble": "In trouble"}
# The parameters that choose schedules, here and on the timeline.
NAMES: Final = ("q", "state", "backend", "host")
# Hosts that can be chosen; the address takes any name.
_MOST_HOSTS: Final = 100


def wanted(parameters: QueryDict, now: datetime) -> Q:
    """The schedules that the address asks for. A state or a backend that is not known asks for nothing."""
    found = owned(parameters)
    if text := text_in(parameters):
        found &= Q(name__icontains=text) | Q(job__icontains=text)
    if (name := parameters.get("backend", "")) in backend_names():
        found &= Q(routed_to=name)
    if host := parameters.get("host", ""):
        found &= Q(host=host)
    return found & _of_state(parameters.get("state", ""), now)


def _of_state(state: str, now: datetime) -> Q:
    overdue = Q(next_due_at__lte=now - OVERDUE_AFTER)
    states = {
        "active": Q(next_due_at__isnull=False),
        "paused": Q(paused=True),
        "ended": Q(paused=False, next_due_at=None),
        "trouble": Q(sync_state=SyncState.OUT_OF_SYNC) | overdue,
    }
    return states.get(state, Q())


def choices(parameters: QueryDict) -> dict[str, Any]:
    """What the template `parts/schedule_filters.html` offers: hosts only where there are some."""
    hosts = list(Host.objects.order_by("name").values_list("name", flat=True)[:_MOST_HOSTS])
    asked = parameters.get("host", "")
    names = [*hosts, asked] if asked and asked not in hosts else hosts
    return {
        "states": STATES,
        "backends": [(name, name) for name in backend_names()],
        "hosts": [(name, name) for name in names],
    }
