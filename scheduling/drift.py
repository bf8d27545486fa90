"""Finds where native entries differ from the schedules, and makes the entries match."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from scheduling import audit, caller, clock, drift_log, dry_run
from scheduling.backend import SchedulerBackend, WriteResult, backend
from scheduling.difference import Difference, DifferenceKind
from scheduling.entry import Entry
from scheduling.errors import BackendError
from scheduling.ledger.given_rows import as_parameter, given_rows
from scheduling.ledger.tables import SCHEDULE, written
from scheduling.models import Schedule, SyncState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drift:
    """How the native entries within reach differ from what the schedules say.

    `differences` says the same by kind, with what the backend itself found besides.
    """

    missing: tuple[Entry, ...]
    left_over: tuple[Entry, ...]
    differences: tuple[Difference, ...]

    def __bool__(self) -> bool:
        return bool(self.differences)


def find(where: SchedulerBackend) -> Drift:
    """Compare the existing entries with the desired ones, and record the differences (`scheduling.drift_log`).

    Raises BackendError when the engine cannot be read.
    """
    found = compare(where.inspect(), where.desired(), where.differences())
    _record(where, found.differences)
    return found


def compare(existing: Sequence[Entry], desired: Sequence[Entry], also: Sequence[Difference] = ()) -> Drift:
    """The drift between the two. Pure. `also` is what the backend found besides.

    A missing entry and one that is left over are one change where they are of the same schedule. What `also` says of
    an entry takes the place of what would be said here.
    """
    missing = sorted((Counter(desired) - Counter(existing)).elements(), key=attrgetter("text"))
    left_over = sorted((Counter(existing) - Counter(desired)).elements(), key=attrgetter("text"))
    told = {text for each in also for text in (each.wanted, each.found) if text}
    untold = [entry for entry in missing if entry.text not in told]
    differences = _by_kind(untold, [entry for entry in left_over if entry.text not in told])
    return Drift(tuple(missing), tuple(left_over), (*also, *differences))


def sync(where: SchedulerBackend) -> Drift:
    """Remove the drift within reach, and store the result on the schedules.

    Returns the drift that was found. Raises BackendError with the reason; every schedule within reach gets the reason
    too, until a later sync succeeds.
    """
    waiting = _waiting(where)
    try:
        drift = find(where)
        where.sync()
        # What the backend found besides may be there still; what the entries differed in was read back.
        left = where.differences() if drift else ()
        if drift:
            _record(where, left)
        _note_sync(where, drift.differences, left)
    except BackendError as exc:
        _note_failure(where, exc.detail)
        raise
    _note_success(waiting)
    return drift


def install(schedule: Schedule) -> None:
    """Install the schedule on its backend, and store the result on the schedule.

    A BackendError is stored, not raised.
    """
    install_all([schedule])


def install_all(schedules: Iterable[Schedule]) -> None:
    """Install each schedule on its backend, and store the result on it. Each engine of each host is written once.

    A BackendError is stored, not raised. In a dry run nothing is installed.
    """
    if dry_run.is_on():
        return
    for (name, _host), group in _by_engine(schedules, lambda one: one.routed_to).items():
        try:
            outcomes = backend(name).install_all(group)
        except BackendError as exc:
            log.warning("%s not installed on %s: %s", _named(group), name, exc.detail)
            _note((one, SyncState.OUT_OF_SYNC, exc.detail) for one in group)
        else:
            _note((one, *_result(one, outcomes[one.pk])) for one in group)


def remove(schedule: Schedule, *, from_backend: str) -> str:
    """Remove the schedule from a backend. Returns why that failed, or ''. The next sync removes what is left over."""
    return remove_all([schedule], from_backend=from_backend)


def remove_all(schedules: Iterable[Schedule], *, from_backend: str) -> str:
    """Like `remove`, for each schedule. Each engine of each host is written once; in a dry run none."""
    errors: list[str] = []
    if dry_run.is_on():
        return ""
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


def _result(schedule: Schedule, outcome: WriteResult) -> tuple[SyncState, str]:
    if outcome is WriteResult.LATER:
        return SyncState.PENDING, f"The agent on {schedule.host} installs it."
    return SyncState.IN_SYNC, ""


def _note(results: Iterable[tuple[Schedule, SyncState, str]]) -> None:
    """Store the state and the error on each schedule. One statement for all that have the same result."""
    groups: dict[tuple[SyncState, str], list[tuple[int, int]]] = defaultdict(list)
    for schedule, state, error in results:
        schedule.sync_state, schedule.sync_error = state, error
        groups[state, error].append((schedule.pk, schedule.version))
    for (state, error), versions in groups.items():
        _store(versions, state, error)


def _store(versions: Sequence[tuple[int, int]], state: SyncState, error: str) -> None:
    """Store the state on schedules by (id, version), in one statement.

    Only for these versions: after another change of a schedule, the install of that change stores its own result.
    """
    statement = f"WITH {given_rows('meant', SCHEDULE, ('id', 'version'))} " + written(  # noqa: S608 - the names come from the model
        "UPDATE {schedule} SET {schedule.sync_state} = %s, {schedule.sync_error} = %s FROM meant "
        "WHERE {schedule}.{schedule.id} = meant.id AND {schedule}.{schedule.version} = meant.version"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [as_parameter(versions), state.value, error])


def _by_kind(missing: Sequence[Entry], left_over: Sequence[Entry]) -> Iterator[Difference]:
    """Each of these entries in one difference. Linear in their number."""
    of_schedule: dict[int, deque[Entry]] = defaultdict(deque)
    for entry in missing:
        for schedule_id in entry.schedule_ids:
            of_schedule[schedule_id].append(entry)
    paired: set[str] = set()
    for entry in left_over:
        wanted = _first_unpaired(entry, of_schedule, paired)
        if wanted is None:
            yield Difference(DifferenceKind.LEFT_OVER, entry.text, entry.schedule_ids)
        else:
            paired.add(wanted.text)
            yield Difference(DifferenceKind.CHANGED, entry.text, wanted.schedule_ids, instead_of=wanted.text)
    for entry in missing:
        if entry.text not in paired:
            yield Difference(DifferenceKind.MISSING, entry.text, entry.schedule_ids)


def _first_unpaired(entry: Entry, of_schedule: dict[int, deque[Entry]], paired: set[str]) -> Entry | None:
    for schedule_id in entry.schedule_ids:
        waiting = of_schedule.get(schedule_id, deque())
        while waiting:
            wanted = waiting.popleft()
            if wanted.text not in paired:
                return wanted
    return None


def _record(where: SchedulerBackend, differences: Sequence[Difference]) -> None:
    host = settings.TANDEM_HOST if where.capabilities.per_host else ""
    drift_log.keep(where.name, host, differences, now=clock.now())


def _note_sync(where: SchedulerBackend, found: Iterable[Difference], left: Iterable[Difference]) -> None:
    """Write into the audit log how many differences of each kind there were, and are left.

    Where nothing was mended, only that somebody asked.
    """
    before, after = (Counter(each.kind.value for each in some) for some in (found, left))
    if before == after and caller.current() is None:
        return
    host = settings.TANDEM_HOST if where.capabilities.per_host else ""
    changes = {kind: [before[kind], after[kind]] for kind in sorted(before | after) if before[kind] != after[kind]}
    audit.record(audit.Change("backend", where.name, "synced", host, changes=changes), now=clock.now())


def _held(where: SchedulerBackend) -> QuerySet[Schedule]:
    """The schedules whose entries are within reach.

    One that has no next time, is not paused and not at its end, cannot be planned: a native entry cannot mend that.
    """
    held = Schedule.objects.filter(routed_to=where.name)
    if where.capabilities.per_host:
        held = held.filter(host=settings.TANDEM_HOST)
    planned = Q(next_due_at__isnull=False) | Q(paused=True) | Q(ends_at__lte=Now())
    return held.filter(planned | Q(sync_state=SyncState.PENDING))


def _waiting(where: SchedulerBackend) -> list[tuple[int, int]]:
    """The (id, version) of the schedules within reach whose entries are pending or out of sync."""
    return list(_held(where).exclude(sync_state=SyncState.IN_SYNC).values_list("pk", "version"))


def _note_failure(where: SchedulerBackend, error: str) -> None:
    """Nothing that is held there is known to be in sync. One statement, which changes nothing the second time."""
    told = Q(sync_state=SyncState.OUT_OF_SYNC, sync_error=error)
    _held(where).exclude(told).update(sync_state=SyncState.OUT_OF_SYNC, sync_error=error)


def _note_success(waiting: list[tuple[int, int]]) -> None:
    if waiting:
        _store(waiting, SyncState.IN_SYNC, "")
