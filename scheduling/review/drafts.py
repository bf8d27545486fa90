"""Schedules as they would be: checked, routed and planned like stored ones, and never stored."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any, Unpack

from scheduling import routing
from scheduling.models import Schedule
from scheduling.schedules import TIMING, ScheduleFields, one_trigger, settle


def created(*, now: datetime, **fields: Unpack[ScheduleFields]) -> Schedule:
    """The schedule that `schedules.create` would store. Raises InvalidRequest as that does."""
    values: dict[str, Any] = {"backend": routing.AUTO, "executor": routing.AUTO, **fields}
    draft = Schedule(created_at=now, **values)
    settle(draft, now=now, changed=TIMING)
    return draft


def changed(schedule: Schedule, *, now: datetime, **fields: Unpack[ScheduleFields]) -> Schedule:
    """What `schedules.update` would make of `schedule`, which stays as it is. Raises InvalidRequest as that does."""
    draft = copy.copy(schedule)
    # Django keeps what it knows of the stored row in here; the copy gets its own.
    draft._state = copy.copy(schedule._state)  # noqa: SLF001 - Model.__copy__ does not exist
    asked = one_trigger(fields)
    differing = {field for field, value in asked.items() if getattr(draft, field) != value}
    for field in differing:
        setattr(draft, field, asked[field])  # type: ignore[literal-required]  # the keys of a ScheduleFields
    settle(draft, now=now, changed=differing)
    return draft
