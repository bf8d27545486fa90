"""The writes that API, command line and dashboard call for schedules. A refused request changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict, Unpack, cast

from django.db import transaction

from scheduling import delivery, dispatch, drift, ledger, routing, validation
from scheduling.errors import NotFound, StaleVersion
from scheduling.lifecycle import OPEN, Status
from scheduling.models import OnLost, Schedule, SyncState, Task
from scheduling.planning import next_due
from scheduling.storable import Json
from scheduling.timing import Cron


class ScheduleFields(TypedDict, total=False):
    """What may be asked of a schedule; see scheduling.models.Schedule for each field."""

    name: str
    description: str
    job: str
    parameters: dict[str, Json]
    cron: str
    every: int | None
    timezone: str
    starts_at: datetime | None
    ends_at: datetime | None
    backend: str
    executor: str
    host: str
    overlap: str
    catch_up: str
    catch_up_window: timedelta
    grace: timedelta
    priority: int
    queue: str
    retries: dict[str, Any]
    soft_timeout: int | None
    timeout: int | None
    on_lost: str
    paused: bool


_TRIGGER = {"cron", "every", "timezone", "starts_at"}
TIMING = _TRIGGER | {"ends_at", "paused"}
_PAUSED: Final = "the schedule was paused before this occurrence was dispatched"
_DELETED: Final = "its schedule was deleted"


@dataclass(frozen=True, slots=True)
class Deletion:
    """What became of the tasks of a schedule that was deleted: the ids of those cancelled, and of those that run on.

    An attempt that runs goes on to its end, and is the last of its task.
    """

    cancelled: tuple[int, ...]
    running: tuple[int, ...]


def create(*, now: datetime, **fields: Unpack[ScheduleFields]) -> Schedule:
    """Store a schedule and install it on its backend.

    Raises InvalidRequest with every problem. A backend that cannot be written leaves the schedule stored and
    OUT_OF_SYNC.
    """
    values: dict[str, Any] = {"backend": routing.AUTO, "executor": routing.AUTO, **fields}
    schedule = Schedule(created_at=now, **values)
    settle(schedule, now=now, changed=TIMING)
    schedule.save(force_insert=True)
    drift.install(schedule, now=now)
    return schedule


def update(
    schedule_id: int, *, now: datetime, version: int | None = None, **fields: Unpack[ScheduleFields]
) -> Schedule:
    """Change a schedule. What is due by then is decided as the schedule was before; tasks stay what they are.

    With `version`, raises StaleVersion if it is another by now. Raises NotFound and InvalidRequest.
    """
    with transaction.atomic():
        schedule = _locked(schedule_id, version)
        before = schedule.routed_to
        fields = one_trigger(fields)
        changed = {field for field, value in fields.items() if getattr(schedule, field) != value}
        pauses = _PAUSED if "paused" in changed and fields["paused"] else ""
        due = dispatch.decide(schedule, now=now, woken_by="request", skip_because=pauses) if changed else []
        for field in changed:
            setattr(schedule, field, fields[field])  # type: ignore[literal-required]  # the keys of a ScheduleFields
        settle(schedule, now=now, changed=changed)
        schedule.version += 1
        schedule.save()
    delivery.hand_over(due, now=now)
    _reinstall(schedule, before, now=now)
    return schedule


def replace(
    schedule_id: int, *, now: datetime, version: int | None = None, **fields: Unpack[ScheduleFields]
) -> Schedule:
    """As `update`, but what is not named goes back to its default."""
    return update(schedule_id, now=now, version=version, **cast("ScheduleFields", {**_defaults(), **fields}))


def pause(schedule_id: int, *, now: datetime, version: int | None = None) -> Schedule:
    """No occurrence is due from now on, and none of the pause is caught up later.

    An occurrence that is due and not yet dispatched is SKIPPED, with the pause as its reason.
    """
    return update(schedule_id, now=now, version=version, paused=True)


def resume(schedule_id: int, *, now: datetime, version: int | None = None) -> Schedule:
    """Go on with the first occurrence after now."""
    return update(schedule_id, now=now, version=version, paused=False)


def move(schedule_id: int, *, to: str, now: datetime, version: int | None = None) -> Schedule:
    """Bring a live schedule to another backend: installed there first, removed here after; the ledger admits one of
    both.
    """
    return update(schedule_id, now=now, version=version, backend=to)


def delete(schedule_id: int, *, now: datetime, version: int | None = None) -> Deletion:
    """Delete the schedule and cancel its tasks that wait. All of its tasks stay in the ledger, with its id.

    Raises NotFound, and StaleVersion as `update` does.
    """
    with transaction.atomic():
        schedule = _locked(schedule_id, version)
        dispatch.decide(schedule, now=now, woken_by="request", skip_because=_DELETED)
        open_tasks = Task.objects.filter(schedule=schedule, status__in=OPEN).order_by("pk").values_list("pk", flat=True)
        cancelled = [pk for pk in list(open_tasks) if ledger.cancel(pk, reason=_DELETED, now=now, running=False)]
        running = Task.objects.filter(schedule=schedule, status=Status.RUNNING)
        running.update(retries={"max": 0}, on_lost=OnLost.FAIL)
        deletion = Deletion(tuple(cancelled), tuple(running.order_by("pk").values_list("pk", flat=True)))
        schedule.delete()
    schedule.pk = schedule_id
    drift.remove(schedule, from_backend=schedule.routed_to)
    return deletion


def trigger(schedule_id: int, *, now: datetime) -> tuple[Task, str]:
    """Run the schedule's job once, now, beside its occurrences. Returns the task, and what it waits for, or ''."""
    with transaction.atomic():
        schedule = _locked(schedule_id)
        [task] = ledger.record([dispatch.extra_task(schedule, now=now, woken_by="request")], now)
    return task, delivery.hand_over([task], now=now)


def _defaults() -> ScheduleFields:
    """Every field as it is where nothing is asked for it."""
    blank = Schedule(backend=routing.AUTO, executor=routing.AUTO)
    return cast("ScheduleFields", {name: getattr(blank, name) for name in ScheduleFields.__annotations__})


def one_trigger(fields: ScheduleFields) -> ScheduleFields:
    """Naming one kind of trigger in a change takes the other kind away."""
    if fields.get("every") is not None:
        return {"cron": "", **fields}
    if fields.get("cron"):
        return {"every": None, **fields}
    return fields


def settle(schedule: Schedule, *, now: datetime, changed: set[str]) -> None:
    """Check and route the schedule, and say when it is due next. Raises InvalidRequest; stores nothing."""
    if changed & _TRIGGER:
        schedule.anchor = _anchor(schedule, now)
    # What was due was decided before. A new end moves the cursor only where the old one had passed.
    if changed & (_TRIGGER | {"paused"}) or ("ends_at" in changed and schedule.next_due_at is None):
        schedule.cursor = now
    due_trigger = validation.check(schedule)
    route = routing.route(schedule)
    schedule.routed_to, schedule.runs_on, schedule.host = route.backend, route.executor, route.host
    schedule.routing_reason = route.reason
    if isinstance(due_trigger, Cron):
        schedule.cron = due_trigger.expression
    schedule.next_due_at = None if schedule.paused else next_due(due_trigger, schedule.cursor, schedule.policy)
    schedule.sync_state, schedule.sync_error = SyncState.PENDING, ""
    schedule.updated_at = now


def _anchor(schedule: Schedule, now: datetime) -> datetime:
    """Where an interval counts from: its start, else now; whole minutes count from a whole minute, so that cron can
    hold them.
    """
    if schedule.starts_at is not None:
        return schedule.starts_at
    whole_minutes = schedule.every is not None and schedule.every % 60 == 0
    return now.replace(microsecond=0, second=0 if whole_minutes else now.second)


def _reinstall(schedule: Schedule, before: str, *, now: datetime) -> None:
    drift.install(schedule, now=now)
    if before != schedule.routed_to:
        drift.remove(schedule, from_backend=before)


def _locked(schedule_id: int, version: int | None = None) -> Schedule:
    schedule = Schedule.objects.select_for_update().filter(pk=schedule_id).first()
    if schedule is None:
        raise NotFound(f"There is no schedule {schedule_id}.")
    if version is not None and version != schedule.version:
        raise StaleVersion(f"The schedule is at version {schedule.version} by now: read it again and repeat.")
    return schedule
