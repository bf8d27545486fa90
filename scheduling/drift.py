"""Finds where native entries differ from the schedules, and makes the entries match."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
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
    existing, desired = where.inspect(), where.desired()
    missing, left_over = list(desired), []
    for entry in existing:
        if entry in missing:
            missing.remove(entry)
        else:
            left_over.append(entry)
    return Drift(tuple(sorted(missing)), tuple(sorted(left_over)))


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
    install_all([schedule])


def install_all(schedules: Iterable[Schedule]) -> None:
    """Install each schedule on its backend, and store the result on it. Each engine of each host is written once.

    A BackendError is stored, not raised.
    """
    for (name, _host), group in _by_engine(schedules, lambda one: one.routed_to).items():
        try:
            outcomes = backend(name).install_all(group)
        except BackendError as exc:
            log.warning("%s not installed on %s: %s", _named(group), name, exc.detail)
            _note_each(group, lambda _, error=exc.detail: (SyncState.OUT_OF_SYNC, error))  # type: ignore[misc]  # mypy cannot infer a default
        else:
            _note_each(group, lambda one, found=outcomes: _result(one, found[one.pk]))  # type: ignore[misc]  # as above


def remove(schedule: Schedule, *, from_backend: str) -> str:
    """Remove the schedule from a backend. Returns why that failed, or ''. The next sync removes what is left over."""
    return remove_all([schedule], from_backend=from_backend)


def remove_all(schedules: Iterable[Schedule], *, from_backend: str) -> str:
    """Like `remove`, for each schedule. Each engine of each host is written once."""
    errors = []
    for group in _by_engine(schedules, lambda _: from_backend).values():
        try:
            backend(from_backend).remove_all(group)
        except BackendError as exc:
            log.warning("%s still on %s: %s", _named(group), from_backend, exc.detail)
            errors.append(exc.detail)
    return "; ".join(errors)


def _by_engine(
    schedules: Iterable[Schedule], name_of: Callable[[Schedule], str]
) -> dict[tuple[str, str], list[Schedule]]:
    """The schedules by (backend, host)."""
    groups: dict[tuple[str, str], list[Schedule]] = {}
    for schedule in schedules:
        groups.setdefault((name_of(schedule), schedule.host), []).append(schedule)
    return groups


def _named(schedules: Sequence[Schedule]) -> str:
    """The schedules as the beginning of a sentence of the log."""
    if len(schedules) == 1:
        return f"schedule {schedules[0].pk} is"
    return f"{len(schedules)} schedules from {schedules[0].pk} on are"


def _result(schedule: Schedule, outcome: Outcome) -> tuple[SyncState, str]:
    if outcome is Outcome.LATER:
        return SyncState.PENDING, f"The agent on {schedule.host} installs it."
    return SyncState.IN_SYNC, ""


def _note_each(schedules: Sequence[Schedule], result_of: Callable[[Schedule], tuple[SyncState, str]]) -> None:
    with transaction.atomic():
        for schedule in schedules:
            _note(schedule, *result_of(schedule))


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
