"""The tasks that ended in a period, read from the ledger a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.db.models.functions import Substr

from jobs.summary.figures import Row
from scheduling.caller import Access
from scheduling.lifecycle import FINISHED
from scheduling.models import Task
from scheduling.owners import visible_to

# Rows read at once: what is in memory at a time.
_PAGE: Final = 5000
# The database sends the beginning alone: the first line is what is shown.
_ERROR_CHARACTERS: Final = 1000


def ended(
    since: datetime, until: datetime, *, page_read: Callable[[int], None], access: Access = None
) -> Iterator[Row]:
    """Tasks that ended from `since` (included) to `until` (not included) and that `access` lets see, newest first by
    their ids.

    `page_read` is called with the number of rows so far after each page, and stops the reading by raising. Each page is
    one query for 5,000 rows, by primary key, so that no query is long and no transaction stays open.
    """
    before: int | None = None
    count = 0
    while True:
        page = list(_page(visible_to(access, Task.objects), since, until, before))
        count += len(page)
        page_read(count)
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].task_id


def _page(tasks: QuerySet[Task], since: datetime, until: datetime, before: int | None) -> Iterator[Row]:
    found = tasks.filter(status__in=FINISHED, finished_at__gte=since, finished_at__lt=until)
    if before is not None:
        found = found.filter(pk__lt=before)
    columns = found.order_by("-pk").values_list(
        "pk",
        "name",
        "job",
        "schedule__name",
        "status",
        "schedule_id",
        "due_at",
        "created_at",
        "started_at",
        "finished_at",
        Substr("error", 1, _ERROR_CHARACTERS),
    )
    for pk, name, job, schedule, status, schedule_id, due_at, created_at, *times, error in columns[:_PAGE]:
        started_at, finished_at = times
        # A time that had passed when it was asked for means at once: nobody could have begun before that.
        is_past = due_at is not None and schedule_id is None and due_at < created_at
        if finished_at is not None:
            due = created_at if is_past else due_at
            yield Row(pk, name, job, schedule or "", status, due, started_at, finished_at, error)
