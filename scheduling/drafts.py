"""What would be stored for what is asked of a schedule? Checked, routed and planned; nothing is stored."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict, Unpack, cast

from scheduling import keys, owners, queries, routing, tag_sets, validation
from scheduling.errors import InvalidRequest, Problem
from scheduling.models import Schedule, SyncState
from scheduling.phrases import phrase
from scheduling.planning import next_due
from scheduling.storable import Json
from scheduling.timing import Cron, Trigger


class ScheduleFields(TypedDict, total=False):
    """The fields of a schedule that a caller may set; see scheduling.models.Schedule for each."""

    key: str
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
    limit_key: str
    retries: dict[str, Any]
    soft_timeout: int | None
    timeout: int | None
    on_lost: str
    on_host_lost: str
    paused: bool
    owner: int | None
    tags: list[str]


_TRIGGER: Final = {"cron", "every", "timezone", "starts_at"}
TIMING: Final = _TRIGGER | {"ends_at", "paused"}
_OF_OWNER: Final = frozenset({"owner", "tags"})
# What a schedule keeps when it is replaced.
_KEPT: Final = frozenset({"key", "owner"})
# What routing reads: with a fault in one of these it cannot answer.
_ROUTED_BY: Final = {"name", "cron", "every", "timezone", "starts_at", "ends_at", "host"}


def draft(*, now: datetime, key_is_checked: bool = False, **fields: Unpack[ScheduleFields]) -> Schedule:
    """The schedule that `create` would store: checked, routed and planned. Raises InvalidRequest; stores nothing.

    With `key_is_checked` the caller has looked at the key: for many schedules that is one look.
    """
    schedule, changed = _asked(None, now, fields)
    settle(schedule, now=now, changed=changed - {"key"} if key_is_checked else changed)
    return schedule


def draft_of_change(schedule: Schedule, *, now: datetime, **fields: Unpack[ScheduleFields]) -> Schedule:
    """The schedule that `update` would store; `schedule` does not change. Raises InvalidRequest; stores nothing."""
    changed, differing = _asked(schedule, now, fields)
    settle(changed, now=now, changed=differing)
    return changed


def attempt(
    schedule: Schedule | None, *, now: datetime, **fields: Unpack[ScheduleFields]
) -> tuple[Schedule, tuple[Problem, ...]]:
    """What `draft`, or with a schedule `draft_of_change`, would return, and every problem with it, for a preview.

    With a problem it has no plan, and is routed only where the problem does not concern the route.
    """
    made, changed = _asked(schedule, now, fields)
    try:
        settle(made, now=now, changed=changed)
    except InvalidRequest as exc:
        return made, exc.problems
    return made, ()


def _asked(before: Schedule | None, now: datetime, fields: ScheduleFields) -> tuple[Schedule, set[str]]:
    """The schedule with these fields, neither checked nor planned, and what differs from `before`."""
    if before is None:
        values: dict[str, Any] = {
            "backend": routing.AUTO, "executor": routing.AUTO, "owner": owners.usual(), **fields,
        }  # fmt: skip
        given = fields.get("key", "")
        # Whether a key that is made from the name is free is seen when it is stored.
        values["key"] = given or keys.of_name(str(fields.get("name", "")))
        named = {*TIMING, *_OF_OWNER, "key"} if given else {*TIMING, *_OF_OWNER}
        return Schedule(created_at=now, **values), named
    changed = copy.copy(before)
    # Django keeps the state of the stored row in here. The draft needs its own.
    changed._state = copy.copy(before._state)  # noqa: SLF001 - Model.__copy__ does not exist
    # And its own of the rows that it refers to: it may get other tags.
    changed._state.fields_cache = dict(before._state.fields_cache)  # noqa: SLF001 - as above
    asked = one_trigger(fields)
    differing = {field for field, value in asked.items() if getattr(changed, field) != value}
    for field in differing:
        setattr(changed, field, asked[field])  # type: ignore[literal-required]  # the keys of a ScheduleFields
    return changed, differing


def defaults() -> ScheduleFields:
    """Every field with its default value; without the key and the owner, which a schedule keeps."""
    blank = Schedule(backend=routing.AUTO, executor=routing.AUTO)
    return cast(
        "ScheduleFields", {name: getattr(blank, name) for name in ScheduleFields.__annotations__ if name not in _KEPT}
    )


def asked_of(schedule: Schedule) -> dict[str, Any]:
    """What the schedule says of itself, and where it went. Two that are alike in it need no change."""
    names = (*ScheduleFields.__annotations__, "routed_to", "runs_on", "routing_reason")
    return {name: getattr(schedule, name) for name in names}


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
    if changed == {"paused"} and schedule.paused:
        # A schedule can be paused even if this machine cannot read its trigger: pausing is the first help.
        schedule.plan_next(None)
    else:
        due_trigger = _checked(schedule, changed)
        if isinstance(due_trigger, Cron):
            schedule.cron = due_trigger.expression
        schedule.plan_next(None if schedule.paused else next_due(due_trigger, schedule.cursor, schedule.policy))
    schedule.sync_state, schedule.sync_error = SyncState.PENDING, ""
    schedule.updated_at = now


def _checked(schedule: Schedule, changed: set[str]) -> Trigger:
    """The trigger of a schedule that is checked and routed. Raises InvalidRequest with all that is wrong at once."""
    trigger, problems = validation.examine(schedule)
    problems += _problems_with_owner(schedule, changed)
    try:
        if trigger is None or any(problem.field in _ROUTED_BY for problem in problems):
            routing.check_names(schedule)
        else:
            _put(schedule, routing.route(schedule))
            validation.check_route(schedule)
    except InvalidRequest as exc:
        problems += exc.problems
    if trigger is None or problems:
        raise InvalidRequest(problems)
    return trigger


def _put(schedule: Schedule, route: routing.Route) -> None:
    schedule.routed_to, schedule.runs_on, schedule.host = route.backend, route.executor, route.host
    schedule.routing_reason = route.reason


def taken(key: str) -> Problem:
    """What is wrong with a key that another schedule has."""
    return Problem("key", "taken", phrase("Another schedule has the key {key}.", key=key))


def problems_with_key(key: str, *, is_taken: bool) -> list[Problem]:
    """What is wrong with a key that was asked for."""
    if not keys.is_key(key):
        return [Problem("key", "not_a_key", keys.WHAT_TO_WRITE)]
    return [taken(key)] if is_taken else []


def _problems_with_owner(schedule: Schedule, changed: set[str]) -> list[Problem]:
    problems = list(owners.problems_with(schedule.owner)) if "owner" in changed else []
    if "tags" in changed:
        problems += tag_sets.problems_with(schedule.tags)
    if "key" in changed or ("owner" in changed and schedule.pk is not None):
        is_taken = queries.is_key_taken(schedule.key, owner=schedule.owner, but=schedule.pk)
        problems += problems_with_key(schedule.key, is_taken=is_taken)
    return problems


def _anchor(schedule: Schedule, now: datetime) -> datetime:
    """Where an interval counts from: its start, else `now`.

    An interval of whole minutes counts from a whole minute, so that cron can hold it.
    """
    if schedule.starts_at is not None:
        return schedule.starts_at
    whole_minutes = schedule.every is not None and schedule.every % 60 == 0
    return now.replace(microsecond=0, second=0 if whole_minutes else now.second)
