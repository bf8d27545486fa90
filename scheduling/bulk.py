"""What is done when many schedules are asked for, changed or moved at once? Each engine is written once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Unpack

from django.db import transaction
from django.db.models import QuerySet

from scheduling import actors, clock, delivery, dispatch, drafts, drift, keys, schedules, tag_sets
from scheduling.backend import backend, backend_names, many_checks
from scheduling.drafts import ScheduleFields
from scheduling.errors import InvalidRequest, NotFound, Problem, TandemError
from scheduling.models import Schedule, SyncState
from scheduling.routing import AUTO
from scheduling.schedules import Change

# Each takes some milliseconds, and a proxy gives a request half a minute or more.
MOST_MOVED: Final = 1_000

Outcome = Literal["would_move", "moved", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one schedule, or would. `routed_to` and `host` are where it is then.

    `detail` says why it was refused, or why its new backend does not have it yet.
    """

    schedule: int
    name: str
    outcome: Outcome
    routed_to: str
    host: str
    detail: str = ""


def store_all(made: Sequence[Schedule]) -> None:
    """Store schedules that `drafts.draft` has made, all or none, and install them."""
    taken: set[str] = set()
    for one in made:
        # Two of them may have the same name, of which their keys were made.
        one.key = keys.another(one.name) if one.key in taken else one.key
        taken.add(one.key)
        one.created_by = one.changed_by = actors.current()
    tag_sets.store(made)
    with transaction.atomic():
        Schedule.objects.bulk_create(made)
        if made:
            schedules.note_created(made, now=made[0].created_at)
    drift.install_all(made)


def change_all(
    ids: Iterable[int], *, now: datetime, **fields: Unpack[ScheduleFields]
) -> dict[int, Schedule | TandemError]:
    """Change each schedule as `schedules.update` does; by id, the schedule, or the InvalidRequest or NotFound.

    Each is a transaction of its own. The engines are written when all are stored.
    """
    found: dict[int, Schedule | TandemError] = {}
    changes: list[Change] = []
    with many_checks():
        for pk in ids:
            try:
                change = schedules.store_change(pk, now=now, **fields)
            except (InvalidRequest, NotFound) as exc:
                found[pk] = exc
            else:
                changes.append(change)
                found[pk] = change.schedule
    delivery.hand_over([task for change in changes for task in change.due], now=now)
    changes = [change for change in changes if change.is_new]
    drift.install_all(change.schedule for change in changes)
    for before in {change.before for change in changes}:
        left = [change.schedule for change in changes if before == change.before != change.schedule.routed_to]
        drift.remove_all(left, from_backend=before)
    return found


def move(
    rows: QuerySet[Schedule],
    *,
    to: str,
    host: str = "",
    dry_run: bool,
    now: datetime,
    read_clock: Callable[[], datetime] = clock.now,
) -> list[Moved]:
    """Move live schedules to the backend `to` (and there to `host`, if given), by id. Each occurrence becomes one task.

    With `dry_run` nothing is stored; the answer says what would be done. Raises InvalidRequest where the backend or
    the host cannot be, and where more than MOST_MOVED schedules are asked for.
    """
    fields = _asked(to, host)
    found = list(rows.order_by("pk")[: MOST_MOVED + 1])
    if len(found) > MOST_MOVED:
        detail = f"More than {MOST_MOVED:,} schedules match: narrow the filters, and move some of them at a time."
        raise InvalidRequest([Problem("", "too_many", detail)])
    stays = {one.pk for one in found if all(getattr(one, name) == value for name, value in fields.items())}
    if dry_run:
        with many_checks():
            outcomes = {one.pk: _drafted(one, now, fields) for one in found if one.pk not in stays}
    else:
        outcomes = change_all([one.pk for one in found if one.pk not in stays], now=now, **fields)
        _decide_meanwhile(outcomes, now=read_clock())
    return [_shown(one, outcomes.get(one.pk), dry_run=dry_run) for one in found]


def _asked(to: str, host: str) -> ScheduleFields:
    """The fields of the change. Raises InvalidRequest."""
    names = (*backend_names(), AUTO)
    if to not in names:
        detail = f"There is no backend {to[:50]!r}: write {', '.join(names)}."
        raise InvalidRequest([Problem("backend", "unknown_backend", detail)])
    if host and (to == AUTO or not backend(to).capabilities.per_host):
        raise InvalidRequest([Problem("host", "no_hosts", f"{to} is not on one host: leave `host` out.")])
    return ScheduleFields(backend=to, host=host) if host else ScheduleFields(backend=to)


def _drafted(schedule: Schedule, now: datetime, fields: ScheduleFields) -> Schedule | TandemError:
    try:
        return drafts.draft_of_change(schedule, now=now, **fields)
    except InvalidRequest as exc:
        return exc


def _decide_meanwhile(ids: Iterable[int], *, now: datetime) -> None:
    """Decide what came due between the change and the install.

    The old engine no longer looks for it. A cron reads its table at the beginning of a minute: where the lines came a
    moment later, its next look may be a long time off.
    """
    tasks = []
    for pk in list(Schedule.objects.filter(pk__in=list(ids), next_due_at__lte=now).values_list("pk", flat=True)):
        try:
            tasks += dispatch.fire(pk, now=now, woken_by="request")
        except NotFound:
            continue  # deleted meanwhile: nothing of it is due
    delivery.hand_over(tasks, now=now)


def _shown(before: Schedule, after: Schedule | TandemError | None, *, dry_run: bool) -> Moved:
    if after is None:
        return Moved(before.pk, before.name, "unchanged", before.routed_to, before.host)
    if isinstance(after, TandemError):
        return Moved(before.pk, before.name, "refused", before.routed_to, before.host, after.detail)
    if dry_run:
        return Moved(before.pk, before.name, "would_move", after.routed_to, after.host)
    detail = "" if after.sync_state == SyncState.IN_SYNC else after.sync_error
    return Moved(before.pk, before.name, "moved", after.routed_to, after.host, detail)
