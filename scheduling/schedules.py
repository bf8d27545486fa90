"""The writes that API, command line and dashboard call for schedules. A refused request changes nothing."""

from __future__ import annotations

import copy
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
    """The fields of a schedule that a caller may set; see scheduling.models.Schedule for each."""

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
    database_away: str
    priority: int
    queue: str
    retries: dict[str, Any]
    soft_timeout: int | None
    timeout: int | None
    on_lost: str
    on_host_lost: str
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


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a schedule that is stored, and that its backend does not have yet.

    `before` is the backend that it was on. `due` are the tasks that are to be handed over.
    """

    schedule: Schedule
    before: str
    due: tuple[Task, ...]


def create(*, now: datetime, **fields: Unpack[ScheduleFields]) -> Schedule:
    """Store a schedule and install it on its backend.

    Raises InvalidRequest with every problem. When the backend cannot be written, the schedule is stored all the same
    and is OUT_OF_SYNC.
    """
    schedule = draft(now=now, **fields)
    schedule.save(force_insert=True)
    drift.install(schedule)
    return schedule


def draft(*, now: datetime, **fields: Unpack[ScheduleFields]) -> Schedule:
    """The schedule that `create` would store: checked, routed and planned. Raises InvalidRequest; stores nothing."""
    values: dict[str, Any] = {"backend": routing.AUTO, "executor": routing.AUTO, **fields}
    schedule = Schedule(created_at=now, **values)
    settle(schedule, now=now, changed=TIMING)
    return schedule


def draft_of_change(schedule: Schedule, *, now: datetime, **fields: Unpack[ScheduleFields]) -> Schedule:
    """The schedule that `update` would store; `schedule` does not change. Raises InvalidRequest; stores nothing."""
    changed = copy.copy(schedule)
    # Django keeps the state of the stored row in here. The draft needs its own.
    changed._state = copy.copy(schedule._state)  # noqa: SLF001 - Model.__copy__ does not exist
    asked = one_trigger(fields)
    differing = {field for field, value in asked.items() if getattr(changed, field) != value}
    for field in differing:
        setattr(changed, field, asked[field])  # type: ignore[literal-required]  # the keys of a ScheduleFields
    settle(changed, now=now, changed=differing)
    return changed


def update(
    schedule_id: int, *, now: datetime, version: int | None = None, **fields: Unpack[ScheduleFields]
) -> Schedule:
    """Change a schedule. What is due is decided first, by the old definition. Tasks that exist do not change.

    Raises NotFound and InvalidRequest; with `version`, StaleVersion when the schedule is at another version.
    """
    change = store_change(schedule_id, now=now, version=version, **fields)
    delivery.hand_over(change.due, now=now)
    _reinstall(change.schedule, change.before)
    return change.schedule


def store_change(
    schedule_id: int, *, now: datetime, version: int | None = None, **fields: Unpack[ScheduleFields]
) -> Change:
    """Do what `update` does in the database, and leave the backend to the caller. Raises the same errors."""
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
    return Change(schedule, before, tuple(due))


def replace(
    schedule_id: int, *, now: datetime, version: int | None = None, **fields: Unpack[ScheduleFields]
) -> Schedule:
    """Like `update`, but each field that is not named gets its default value."""
    return update(schedule_id, now=now, version=version, **cast("ScheduleFields", {**_defaults(), **fields}))


def pause(schedule_id: int, *, now: datetime, version: int | None = None) -> Schedule:
    """Stop the occurrences of the schedule. Occurrences during the pause are not caught up later.

    An occurrence that is due and not dispatched yet is SKIPPED, with the pause as its reason.
    """
    return update(schedule_id, now=now, version=version, paused=True)


def resume(schedule_id: int, *, now: datetime, version: int | None = None) -> Schedule:
    """Continue with the first occurrence after `now`."""
    return update(schedule_id, now=now, version=version, paused=False)


def move(schedule_id: int, *, to: str, now: datetime, version: int | None = None) -> Schedule:
    """Move a live schedule to another backend: first install it there, then remove it from the old backend.

    While both have it, the ledger still makes one task for each occurrence.
    """
    return update(schedule_id, now=now, version=version, backend=to)


def delete(schedule_id: int, *, now: datetime, version: int | None = None) -> Deletion:
    """Delete the schedule and cancel its tasks that wait. All its tasks stay in the ledger, with its id.

    Raises NotFound, and StaleVersion as `update` does.
    """
    with transaction.atomic():
        schedule = _locked(schedule_id, version)
        dispatch.decide(schedule, now=now, woken_by="request", skip_because=_DELETED)
        deletion = _end_tasks(schedule, now)
        schedule.delete()
    schedule.pk = schedule_id
    drift.remove(schedule, from_backend=schedule.routed_to)
    return deletion


def trigger(schedule_id: int, *, now: datetime) -> tuple[Task, str]:
    """Run the schedule's job once, now, in addition to its occurrences.

    Returns the task, and what became of its delivery (`delivery.answer`).
    """
    with transaction.atomic():
        schedule = _locked(schedule_id)
        [task] = ledger.record([dispatch.extra_task(schedule, now=now, woken_by="request")], now)
    return task, delivery.answer(delivery.hand_over([task], now=now), [task])


def _end_tasks(schedule: Schedule, now: datetime) -> Deletion:
    """Cancel the tasks that wait, and let each that runs end with its present attempt."""
    open_tasks = list(
        Task.objects.filter(schedule=schedule, status__in=OPEN).order_by("pk").values_list("pk", flat=True)
    )
    cancelled = {pk for pk in open_tasks if ledger.cancel(pk, reason=_DELETED, now=now, running=False)}
    claimed = [pk for pk in open_tasks if pk not in cancelled]
    if not claimed:
        return Deletion(tuple(sorted(cancelled)), ())
    running = Task.objects.filter(pk__in=claimed, status=Status.RUNNING)
    running.update(retries={"max": 0}, on_lost=OnLost.FAIL)
    return Deletion(tuple(sorted(cancelled)), tuple(running.order_by("pk").values_list("pk", flat=True)))


def _defaults() -> ScheduleFields:
    """Every field with its default value."""
    blank = Schedule(backend=routing.AUTO, executor=routing.AUTO)
    return cast("ScheduleFields", {name: getattr(blank, name) for name in ScheduleFields.__annotations__})


def one_trigger(fields: ScheduleFields) -> ScheduleFields:
    """The fields of a change. When they name one kind of trigger, they also clear the other kind."""
    if fields.get("every") is not None:
        return {"cron": "", **fields}
    if fields.get("cron"):
        return {"every": None, **fields}
    return fields


def settle(schedule: Schedule, *, now: datetime, changed: set[str]) -> None:
    """Check the schedule, route it, and set when it is due next. Raises InvalidRequest; stores nothing."""
    if changed & _TRIGGER:
        schedule.anchor = _anchor(schedule, now)
    # What was due was decided before. A new end moves the cursor only where the old one had passed.
    if changed & (_TRIGGER | {"paused"}) or ("ends_at" in changed and schedule.next_due_at is None):
        schedule.cursor = now
    elif schedule.planned_with_other_data:
        # It is not due by its plan. What only our data puts before now was never due.
        schedule.cursor = max(schedule.cursor, now)
    due_trigger = validation.check(schedule)
    route = routing.route(schedule)
    schedule.routed_to, schedule.runs_on, schedule.host = route.backend, route.executor, route.host
    schedule.routing_reason = route.reason
    validation.check_route(schedule)
    if isinstance(due_trigger, Cron):
        schedule.cron = due_trigger.expression
    schedule.plan_next(None if schedule.paused else next_due(due_trigger, schedule.cursor, schedule.policy))
    schedule.sync_state, schedule.sync_error = SyncState.PENDING, ""
    schedule.updated_at = now


def _anchor(schedule: Schedule, now: datetime) -> datetime:
    """Where an interval counts from: its start, else `now`.

    An interval of whole minutes counts from a whole minute, so that cron can hold it.
    """
    if schedule.starts_at is not None:
        return schedule.starts_at
    whole_minutes = schedule.every is not None and schedule.every % 60 == 0
    return now.replace(microsecond=0, second=0 if whole_minutes else now.second)


def _reinstall(schedule: Schedule, before: str) -> None:
    drift.install(schedule)
    if before != schedule.routed_to:
        drift.remove(schedule, from_backend=before)


def _locked(schedule_id: int, version: int | None = None) -> Schedule:
    schedule = Schedule.objects.select_for_update().filter(pk=schedule_id).first()
    if schedule is None:
        raise NotFound(f"There is no schedule {schedule_id}.")
    if version is not None and version != schedule.version:
        raise StaleVersion(f"The schedule is now at version {schedule.version}: read it again and repeat your change.")
    return schedule
