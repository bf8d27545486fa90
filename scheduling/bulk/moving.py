"""Many schedules that move to another backend, each with its own answer, and each engine written once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import QuerySet

from scheduling import clock, delivery, dispatch, drafts
from scheduling.backend import backend, backend_names, many_checks
from scheduling.bulk.changes import change_all
from scheduling.bulk.chosen import Chosen
from scheduling.drafts import ScheduleFields
from scheduling.errors import InvalidRequest, NotFound, Problem, TandemError
from scheduling.models import Schedule, SyncState
from scheduling.routing import AUTO

MoveOutcome = Literal["would_move", "moved", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class MovedSchedule:
    """What became of one schedule, or would. `routed_to` and `host` are where it is then.

    `detail` says why it was refused, or why its new backend does not have it yet.
    """

    schedule: int
    name: str
    outcome: MoveOutcome
    routed_to: str
    host: str
    detail: str = ""


def move(
    rows: QuerySet[Schedule],
    *,
    to: str,
    host: str = "",
    dry_run: bool,
    now: datetime,
    read_clock: Callable[[], datetime] = clock.now,
) -> list[MovedSchedule]:
    """Move live schedules to the backend `to` (and there to `host`, if given), by id. Each occurrence becomes one task.

    With `dry_run` nothing is stored; the answer says what would be done. Raises InvalidRequest where the backend or
    the host cannot be, and where more than chosen.MOST schedules are asked for.
    """
    fields = _asked(to, host)
    ids = Chosen.matching(rows).ids
    found = list(rows.filter(pk__in=ids).order_by("pk"))
    stays = {one.pk for one in found if all(getattr(one, name) == value for name, value in fields.items())}
    if dry_run:
        with many_checks():
            outcomes = {one.pk: _drafted(one, now, fields) for one in found if one.pk not in stays}
    else:
        moves = Chosen(tuple(one.pk for one in found if one.pk not in stays))
        changed = change_all(moves, now=now, partial=True, **fields)
        outcomes = {pk: one if isinstance(one, TandemError) else one.schedule for pk, one in changed.items()}
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


def _shown(before: Schedule, after: Schedule | TandemError | None, *, dry_run: bool) -> MovedSchedule:
    if after is None:
        return MovedSchedule(before.pk, before.name, "unchanged", before.routed_to, before.host)
    if isinstance(after, TandemError):
        return MovedSchedule(before.pk, before.name, "refused", before.routed_to, before.host, after.detail)
    if dry_run:
        return MovedSchedule(before.pk, before.name, "would_move", after.routed_to, after.host)
    detail = "" if after.sync_state == SyncState.IN_SYNC else after.sync_error
    return MovedSchedule(before.pk, before.name, "moved", after.routed_to, after.host, detail)
