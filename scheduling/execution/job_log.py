"""The log of a job: its lines go to the process's log and, a bounded number of them, into the ledger."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import Final

from scheduling.models import Task, TaskLogLine
from scheduling.storable import storable_text

# Of one attempt: a job that logs in a tight loop must not fill the database.
MOST_LINES: Final = 1000
# A longer line is cut: a log is for people to read.
MOST_LINE_CHARACTERS: Final = 2000


class JobLog(logging.Handler):
    """Keeps the lines of one attempt until `store`. The first MOST_LINES are kept, and a word about the rest."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self._task = task
        self._waiting: list[TaskLogLine] = []
        self._seen = 0
        self._storing = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line, from any thread."""
        self._seen += 1
        if self._seen > MOST_LINES:
            return
        last = self._seen == MOST_LINES
        message = "more was logged, and is not kept" if last else record.getMessage()
        self._waiting.append(
            TaskLogLine(
                task=self._task,
                attempt=self._task.attempt,
                at=datetime.fromtimestamp(record.created, UTC),
                level=record.levelname,
                message=storable_text(message[:MOST_LINE_CHARACTERS]),
            )
        )

    def store(self) -> None:
        """Write what was logged since the last time. Raises DatabaseError: the lines are kept for the next time."""
        with self._storing:
            lines = list(self._waiting)
            if lines:
                TaskLogLine.objects.bulk_create(lines)
                del self._waiting[: len(lines)]

    def logger(self, name: str) -> logging.Logger:
        """A logger of this attempt's own, whose lines also go where those of `name` go."""
        made = logging.Logger(name)  # noqa: LOG001 - not one of the process: it goes with the attempt
        made.parent = logging.getLogger(name)
        made.addHandler(self)
        return made
