"""The executor `inline` on a host that may have run an occurrence without the database."""

from __future__ import annotations

import logging

from backends.crontab.spool.store import here
from scheduling.errors import BackendError
from scheduling.execution.inline import InlineExecutor
from scheduling.models import DatabaseAway, Schedule, Task

log = logging.getLogger(__name__)


class SpoolingInlineExecutor(InlineExecutor):
    """Runs tasks in this process, but none whose occurrence this host has begun without the database.

    Before an occurrence of such a schedule is claimed, that is noted on this host, so that no other process here runs
    it without the database, should that go away now.
    """

    def may_begin(self, task: Task) -> bool:
        """Costs a query for the occurrences of schedules, and a write for those that may run without the database."""
        if task.schedule_id is None or task.due_at is None:
            return True
        if not Schedule.objects.filter(pk=task.schedule_id, database_away=DatabaseAway.RUN).exists():
            return True
        spool = here()
        try:
            with spool.lock():
                begins = spool.begin_with_database(task.schedule_id, task.due_at)
        except (OSError, BackendError) as exc:
            log.error("task %d does not begin: %s cannot be written: %s", task.pk, spool.folder, exc)  # noqa: TRY400 - the reason is enough
            return False
        if not begins:
            log.info("task %d does not begin: it was begun without the database", task.pk)
        return begins
