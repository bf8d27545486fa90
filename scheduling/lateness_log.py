"""How late occurrences were handed over: counted in each process, and added up in the database every few seconds."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from scheduling import clock, processes
from scheduling.lateness import Histogram, bucket_of
from scheduling.models import LatenessBucket, Task

# An hour, a backend, and the number of a bucket.
Key = tuple[datetime, str, int]

_COLUMNS: Final = ("hour", "backend", "bucket", "count")
_counted: Counter[Key] = Counter()
_lock = threading.Lock()


def note(tasks: Iterable[Task]) -> None:
    """Count how late these tasks are, which have just been handed over, or begin in this process.

    Only occurrences of schedules that are handed over for the first time count, and only those that waited for nothing:
    not for an earlier task, nor for another attempt. What a catch-up runs counts, by when it was due. One-off tasks do
    not count: they may be asked for at a time that is past already.
    """
    now = clock.estimate()
    hour = now.replace(minute=0, second=0, microsecond=0)
    late = [task for task in tasks if task.schedule_id and task.due_at and task.sends == 0 and task.events == 1]
    with _lock:
        for task in late:
            _counted[hour, task.woken_by, bucket_of((now - (task.due_at or now)).total_seconds())] += 1


@processes.at_each_pulse
def write() -> None:
    """Add what was counted to the rows: one statement, none where nothing was counted.

    Raises what the statement raises; then all of it is kept for the next time.
    """
    with _lock:
        # In the same order in each process, so that none waits for the other in turn.
        rows = sorted(_counted.items())
        _counted.clear()
    if not rows:
        return
    try:
        _add(rows)
    except BaseException:
        with _lock:
            _counted.update(dict(rows))
        raise


def between(since: datetime, until: datetime, *, backend: str = "") -> Histogram:
    """What was handed over in the hours that begin from `since` on and before `until`; of all backends where none is
    named.
    """
    rows = LatenessBucket.objects.filter(hour__gte=since, hour__lt=until)
    if backend:
        rows = rows.filter(backend=backend)
    return Histogram.of(dict(rows.order_by().values_list("bucket").annotate(Sum("count"))))


def prune(*, now: datetime) -> None:
    """Delete the rows of hours that are longer ago than TANDEM_KEEP_DAYS."""
    LatenessBucket.objects.filter(hour__lt=now - timedelta(days=settings.TANDEM_KEEP_DAYS)).delete()


def _add(rows: list[tuple[Key, int]]) -> None:
    """Both databases understand the same statement; Django's own way would overwrite the counts of other processes."""
    meta, quote = LatenessBucket._meta, connection.ops.quote_name  # noqa: SLF001 - Django's documented way to a model's table
    fields: list[Any] = [meta.get_field(name) for name in _COLUMNS]
    table, names = quote(meta.db_table), [quote(field.column) for field in fields]
    values = [
        field.get_db_prep_save(value, connection)
        for key, count in rows
        for field, value in zip(fields, (*key, count), strict=True)
    ]
    places = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES {places} ON CONFLICT ({', '.join(names[:3])}) "  # noqa: S608 - only names of our own columns
            f"DO UPDATE SET {names[3]} = {table}.{names[3]} + EXCLUDED.{names[3]}",
            values,
        )


def _forget() -> None:
    global _lock  # noqa: PLW0603 - one lock a process
    _lock = threading.Lock()
    _counted.clear()


# A child must neither count what its parent has counted, nor inherit a lock that another thread of the parent holds.
os.register_at_fork(after_in_child=_forget)
