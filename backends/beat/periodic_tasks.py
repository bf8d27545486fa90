"""How our rows in django-celery-beat's tables are written and deleted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from backends.beat.entries import WAKE_TASK, CrontabRow, IntervalRow, Row, rows
from backends.beat.stored_rows import WAKE_EXPIRES_SECONDS, StoredRow, name_of
from scheduling.models import Schedule

# The value of Celery's setting beat_scheduler that makes a beat one of ours.
LEDGER_SCHEDULER: Final = "backends.beat.scheduler.LedgerScheduler"


def replace(present: Collection[StoredRow], schedules: Collection[Schedule], *, now: datetime) -> None:
    """Delete rows of ours, and write the ones that the schedules must have. Must run inside the caller's transaction.

    A clock that only deleted rows used is deleted, too. The number of statements does not depend on that of the rows.
    """
    _delete_rows(PeriodicTask.objects.filter(pk__in=[task.pk for task in present]), when=bool(present))
    wanted = [(schedule, number, row) for schedule in schedules for number, row in enumerate(rows(schedule, now=now))]
    clocks = _clocks({row for _, _, row in wanted})
    PeriodicTask.objects.bulk_create(
        PeriodicTask(
            name=name_of(schedule.pk, number),
            task=WAKE_TASK,
            args=f"[{schedule.pk}]",
            description=schedule.name,
            expire_seconds=WAKE_EXPIRES_SECONDS,
            **{"crontab" if isinstance(row, CrontabRow) else "interval": clocks[row]},
        )
        for schedule, number, row in wanted
    )
    _delete_unused_clocks(present)
    # LedgerScheduler does not read our rows: it need not read the others again because of a change of ours.
    if (present or wanted) and settings.CELERY["beat_scheduler"] != LEDGER_SCHEDULER:
        PeriodicTasks.update_changed()


def _clocks(wanted: AbstractSet[Row]) -> dict[Row, Any]:
    """The CrontabSchedule or IntervalSchedule that says when a row is due. Equal rows share one.

    They are locked, so that no other process deletes one as unused before our row uses it. These tables have no unique
    constraint: of equal ones the first is taken.
    """
    found: dict[Row, Any] = {}
    crontabs = [row for row in wanted if isinstance(row, CrontabRow)]
    if crontabs:
        found |= _found_or_made(CrontabSchedule, crontabs, {"timezone": "UTC"})
    intervals = [row for row in wanted if isinstance(row, IntervalRow)]
    if intervals:
        found |= _found_or_made(IntervalSchedule, intervals, {"period": IntervalSchedule.SECONDS})
    return found


def _found_or_made(model: Any, wanted: Sequence[Row], constant: Mapping[str, str]) -> dict[Row, Any]:
    values = [asdict(row) for row in wanted]
    # At least those that are wanted, and others with some other combination of these values.
    filters = {f"{name}__in": {each[name] for each in values} for name in values[0]}
    present = model.objects.select_for_update(no_key=True).filter(**filters, **constant).order_by("-pk")
    make_row = type(wanted[0])
    found = {make_row(**{name: getattr(clock, name) for name in values[0]}): clock for clock in present}
    missing = [row for row in wanted if row not in found]
    # No signal is sent: it would have every beat read all rows again.
    made = model.objects.bulk_create(model(**asdict(row), **constant) for row in missing)
    return found | dict(zip(missing, made, strict=True))


def _delete_unused_clocks(tasks: Collection[StoredRow]) -> None:
    """Delete the clocks that these deleted rows used and that no other row uses.

    The clocks are locked first. If another process adds a row for one of them meanwhile, either the second query sees
    that row, or adding it fails on its foreign key; the row is never deleted together with its clock. A clock that
    another process has locked is in use, and stays.
    """
    for model, name in ((CrontabSchedule, "crontab"), (IntervalSchedule, "interval")):
        known = {getattr(task, f"{name}_id") for task in tasks} - {None}
        if known:
            locked = model.objects.select_for_update(skip_locked=True).filter(pk__in=known)
            held = [clock.pk for clock in locked]
            unused = model.objects.filter(pk__in=held).exclude(
                Exists(PeriodicTask.objects.filter(**{name: OuterRef("pk")}))
            )
            _delete_rows(unused, when=bool(held))


def _delete_rows(found: QuerySet[Any], *, when: bool) -> None:
    """Delete without signals: each of them would be two statements, and have every beat read all rows again."""
    if when:
        found._raw_delete(found.db)  # noqa: SLF001 - Django has no public way; it deletes so itself, in Collector
