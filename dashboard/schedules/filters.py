"""Which schedules a list shows, as its address says it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Q
from django.http import QueryDict

from scheduling.backend import backend_names
from scheduling.hosts import OVERDUE_AFTER
from scheduling.models import SyncState

# The states that can be asked for, each with its name on the page.
STATES: Final = {"": "All", "active": "Active", "paused": "Paused", "ended": "Ended", "trouble": "In trouble"}
# No name is longer.
MOST_CHARACTERS: Final = 200


def wanted(parameters: QueryDict, now: datetime) -> Q:
    """The schedules that `q`, `state` and `backend` ask for. A value that is not known asks for nothing."""
    found = Q()
    if text := parameters.get("q", "").strip()[:MOST_CHARACTERS]:
        found &= Q(name__icontains=text) | Q(job__icontains=text)
    if (name := parameters.get("backend", "")) in backend_names():
        found &= Q(routed_to=name)
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
