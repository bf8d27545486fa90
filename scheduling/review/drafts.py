"""Draft schedules: checked, routed and planned like stored ones, but never stored."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any, Unpack

from scheduling import routing
from scheduling.models import Schedule
from scheduling.schedules import TIMING, ScheduleFields, one_trigger, settle


def created(*, now: datetime, **fields: Unpack[ScheduleFields]) -> Schedule:
    """The schedule that `schedules.create` would store. Raises InvalidRequest likewise."""
    values: dict[str, Any] = {"backend": routing.AUTO, "executor": routing.AUTO, **fields}
    draft = Schedule(created_at=now, **values)
    settle(draft, now=now, changed=TIMING)
    return draft


def changed(schedule: Schedule, *, now: datetime, **fields: Unpack[ScheduleFields]) -> Schedule:
    """The schedule that `schedules.update` would store; `schedule` does not change. Raises InvalidRequest likewise."""
    draft = copy.copy(schedule)
    # Django keeps the state of the stored row in here. The draft needs its own.
    draft._state = copy.copy(schedule._state)  # noqa: SLF001 - Model.__copy__ does not exist
    asked = one_trigger(fields)
    differing = {field for field, value in asked.items() if getattr(draft, field) != value}
    for field in differing:
        setattr(draft, field, asked[field])  # type: ignore[literal-required]  # the keys of a ScheduleFields
    settle(draft, now=now, changed=differing)
    return draft
