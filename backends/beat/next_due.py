"""What beat asks in each tick: when something is due, whether other PeriodicTasks have changed, and what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from django.db import connection
from django.db.models import DateTimeField, Subquery
from django.db.models.functions import Now
from django.db.models.sql import Query
from django_celery_beat.models import PeriodicTasks

from backends.beat.backend import BeatBackend
from scheduling import dispatch
from scheduling.models import Schedule, Task
from scheduling.prepared import preparing_cursor
from scheduling.timing import tzdata_version

# The row of django-celery-beat that holds the time of the last change (PeriodicTasks.last_change).
_IDENT: Final = 1


@dataclass(frozen=True, slots=True)
class NextDue:
    """When the first schedule and the first waiting task are due, the last change of other PeriodicTasks (each None if
    there is none), and the time of the database.
    """

    schedule_due: datetime | None
    task_due: datetime | None
    changed: datetime | None
    now: datetime


def look() -> NextDue:
    """Ask the database. One statement, whose cost does not depend on how many schedules and tasks there are.

    Raises what the statement raises.
    """
    text, parameters = _statement(connection.vendor, tzdata_version())
    with preparing_cursor() as cursor:
        cursor.execute(text, parameters)
        row = cursor.fetchone()
    schedule_due, task_due, changed, now = map(_as_datetime, row)
    if now is None:
        raise TypeError("The database told no time.")
    return NextDue(schedule_due, task_due, changed, now)


@lru_cache(maxsize=2)
def _statement(_vendor: str, _release: str) -> tuple[str, tuple[Any, ...]]:
    """A SELECT of subqueries. For each database and each release of the time zone data it stays the same."""
    due = Schedule.objects.filter(dispatch.may_dispatch(BeatBackend.name), next_due_at__isnull=False)
    waiting = Task.objects.filter(wait_until__isnull=False)
    # None: without a FROM. Django asks so itself whether a row keeps to its constraints (Q.check).
    query = Query(None)
    # Not Min: it may read every row where one of the conditions is in no index. The first row of an index is one look.
    query.add_annotation(Subquery(due.order_by("next_due_at").values("next_due_at")[:1]), "schedule_due")
    query.add_annotation(Subquery(waiting.order_by("wait_until").values("wait_until")[:1]), "task_due")
    query.add_annotation(Subquery(PeriodicTasks.objects.filter(ident=_IDENT).values("last_update")), "changed")
    query.add_annotation(Now(output_field=DateTimeField()), "now")
    text, parameters = query.get_compiler(connection=connection).as_sql()
    return str(text), tuple(parameters)


def _as_datetime(value: datetime | str | None) -> datetime | None:
    # SQLite keeps times as text, and without a zone.
    told = datetime.fromisoformat(value) if isinstance(value, str) else value
    return told.replace(tzinfo=UTC) if told is not None and told.tzinfo is None else told
