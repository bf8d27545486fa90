"""Finds where native entries differ from the schedules, and makes the entries match."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from scheduling.backend import Outcome, SchedulerBackend, backend
from scheduling.entry import Entry
from scheduling.errors import BackendError
from scheduling.models import Schedule, SyncState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drift:
    """How the native entries within reach differ from what the schedules say."""

    missing: tuple[Entry, ...]
    left_over: tuple[Entry, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.left_over)


def find(where: SchedulerBackend) -> Drift:
    """Compare the existing entries with the desired ones. Raises BackendError when the engine cannot be read."""
    existing, desired = Counter(where.inspect()), Counter(where.desired())
    missing, left_over = desired - existing, existing - desired
    return Drift(tuple(sorted(missing.elements())), tuple(sorted(left_over.elements())))


def sync(where: SchedulerBackend) -> Drift:
    """Remove the drift within reach, and store the result on the schedules.

    Returns the drift that was found. Raises BackendError with the reason; the schedules get the reason too.
    """
    waiting = _waiting(where)
    try:
        drift = find(where)
        where.sync()
    except BackendError as exc:
        _note_all(waiting, SyncState.OUT_OF_SYNC, exc.detail)
        raise
    _note_all(waiting, SyncState.IN_SYNC, "")
    return drift


def install(schedule: Schedule, *, now: datetime) -> None:
    """Install the schedule on its backend, and store the result on the schedule.

    A BackendError is stored, not raised.
    """
    try:
        outcome = backend(schedule.routed_to).install(schedule)
    except BackendError as exc:
        log.warning("schedule %d is not installed on %s: %s", schedule.pk, schedule.routed_to, exc.detail)
        _note(schedule, SyncState.OUT_OF_SYNC, exc.detail)
        return
    if outcome is Outcome.LATER:
        _note(schedule, SyncState.PENDING, f"The agent on {schedule.host} installs it.")
    else:
        _note(schedule, SyncState.IN_SYNC, "")


def remove(schedule: Schedule, *, from_backend: str) -> str:
    """Remove the schedule from a backend. Returns why that failed, or ''. The next sync removes what is left over."""
    try:
        backend(from_backend).remove(schedule)
    except BackendError as exc:
        log.warning("schedule %s is still on %s: %s", schedule.pk, from_backend, exc.detail)
        return exc.detail
    return ""


def _note(schedule: Schedule, state: SyncState, error: str) -> None:
    schedule.sync_state, schedule.sync_error = state, error
    # Only for this version: after another change of the schedule, the install of that change stores its own result.
    Schedule.objects.filter(pk=schedule.pk, version=schedule.version).update(sync_state=state, sync_error=error)


def _waiting(where: SchedulerBackend) -> list[tuple[int, int]]:
    """The (id, version) of the schedules within reach whose entries are pending or out of sync."""
    held = Schedule.objects.filter(routed_to=where.name)
    if where.capabilities.per_host:
        held = held.filter(host=settings.TANDEM_HOST)
    # A schedule that is out of sync and has no next time cannot be planned. A native entry cannot repair that.
    state = Q(sync_state=SyncState.PENDING) | Q(sync_state=SyncState.OUT_OF_SYNC, next_due_at__isnull=False)
    return list(held.filter(state).values_list("pk", "version"))


def _note_all(waiting: list[tuple[int, int]], state: SyncState, error: str) -> None:
    for pk, version in waiting:
        Schedule.objects.filter(pk=pk, version=version).update(sync_state=state, sync_error=error)
