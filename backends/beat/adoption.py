"""A PeriodicTask of somebody else becomes a schedule: the row is disabled and the schedule stored in one transaction.

A beat sends a run only after it has noted that in the row (`foreign_entries`). So the row, once it is locked, says
which runs were sent: the schedule goes on after the last of them, and no run is lost or made twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from backends.beat import stored_rows
from backends.beat.foreign_rows import trigger_of
from scheduling import bulk, drafts
from scheduling.drafts import ScheduleFields
from scheduling.errors import Conflict, NotFound
from scheduling.models import Schedule
from scheduling.planning import next_due
from scheduling.registry import definition
from scheduling.timing import Cron, Trigger

# What a schedule cannot say: the field of the row, and why.
_NOT_SAID: Final = {
    "one_off": "It runs once: ask for a task at its time instead.",
    "expires": "It expires: a schedule ends with its last occurrence instead.",
    "expire_seconds": "Its messages expire: a schedule misses a run that is later than its grace instead.",
    "exchange": "It names an exchange: a schedule has a queue only.",
    "routing_key": "It names a routing key: a schedule has a queue only.",
}


def adopt(number: int, *, now: datetime) -> Schedule:
    """Store the schedule and disable the row. A row that is disabled already becomes a schedule that is paused.

    Raises NotFound, Conflict with the reason why the row can be no schedule, and InvalidRequest.
    """
    with transaction.atomic():
        row = stored_rows.not_ours().select_for_update(of=("self",)).filter(pk=number).first()
        if row is None:
            raise NotFound(f"There is no PeriodicTask {number} that is not Tandem's.")
        trigger = trigger_of(row)
        if why := next(_refusals(row, trigger), ""):
            raise Conflict(why)
        made = drafts.draft(now=now, **_fields(row, trigger, now))
        if (same := _same_schedule(made)) is not None:
            raise Conflict(f"Schedule {same.pk} does the same already: delete this PeriodicTask, or the schedule.")
        _go_on(made, trigger, row.last_run_at or row.date_changed, now)
        bulk.store_all([made])
        PeriodicTask.objects.filter(pk=row.pk).update(enabled=False)
        # Beats look at this row's time, and read all others again.
        PeriodicTasks.update_changed()
    return made


def _refusals(row: PeriodicTask, trigger: Trigger | None) -> Iterator[str]:
    if trigger is None:
        yield f"Its clock ({row.scheduler or 'none'}) says something that no cron expression or interval says."
    if _job_of(row.task) is None:
        yield f"No job runs {row.task}: name it in TANDEM_CELERY_JOBS."
    yield from (why for field, why in _NOT_SAID.items() if getattr(row, field))
    if _read(row.headers, dict) != {}:
        yield "It sends headers, which a schedule has not."
    if _read(row.args, list) is None or _read(row.kwargs, dict) is None:
        yield "Its arguments are no JSON list and object."
    elif _parameters(row) is None:
        yield "Its arguments by position are more than its job has parameters."


def _fields(row: PeriodicTask, trigger: Trigger | None, now: datetime) -> ScheduleFields:
    fields = ScheduleFields(
        name=row.name,
        description=row.description or f"Adopted from the PeriodicTask {row.name}.",
        job=_job_of(row.task) or row.task,
        parameters=_parameters(row) or {},
        backend="beat",
        queue=row.queue or "",
        paused=not row.enabled,
    )
    if row.priority is not None:
        fields["priority"] = row.priority
    if row.start_time is not None and row.start_time > now:
        fields["starts_at"] = row.start_time
    if isinstance(trigger, Cron):
        return ScheduleFields(**fields, cron=trigger.expression, timezone=trigger.zone.key)
    return ScheduleFields(**fields, every=trigger.seconds if trigger else None)


def _go_on(made: Schedule, trigger: Trigger | None, last: datetime, now: datetime) -> None:
    """Let a draft go on after the last run of its row, where the next one is to come, or has only just been due.

    An older one would be missed: Beat was not there, and a schedule begins with what is to come.
    """
    if made.paused or made.starts_at is not None or trigger is None:
        return
    last = last.replace(microsecond=0)
    if made.every is not None:
        following: datetime | None = last + timedelta(seconds=made.every)
    else:
        following = trigger.next(last)
    if following is None or now - following > made.grace:
        return
    if made.every is not None:
        made.anchor = last
    made.cursor = min(now, following - timedelta(microseconds=1))
    made.plan_next(next_due(made.trigger, made.cursor, made.policy))


def _same_schedule(made: Schedule) -> Schedule | None:
    """The schedule that this row has become before, or one that somebody has made in its place."""
    same = {name: getattr(made, name) for name in ("name", "job", "cron", "every", "timezone")}
    alike = (one for one in Schedule.objects.filter(**same).order_by("pk") if one.parameters == made.parameters)
    return next(alike, None)


def _job_of(task: str) -> str | None:
    """The job that runs a Celery task: one of that name, or one that TANDEM_CELERY_JOBS has for it."""
    for job, path in settings.TANDEM_CELERY_JOBS.items():
        if task in (path, getattr(import_string(path), "name", path)):
            return str(job)
    try:
        return definition(task).name
    except NotFound:
        return None


def _parameters(row: PeriodicTask) -> dict[str, Any] | None:
    """The arguments by name; None where there are more by position than names."""
    by_position, by_name = _read(row.args, list), _read(row.kwargs, dict)
    if not by_position:
        return dict(by_name)
    job = _job_of(row.task)
    names = list(definition(job).schema().get("properties", {})) if job else []
    return None if len(by_position) > len(names) else {**dict(zip(names, by_position, strict=False)), **by_name}


def _read(text: str | None, kind: type[Any]) -> Any:
    """What a text column holds as JSON: empty of this kind where it is empty, None where it holds something else."""
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    return kind() if found is None else found if isinstance(found, kind) else None
