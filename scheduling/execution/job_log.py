"""The log of a job: its lines go to the log of the process, and a limited number of them into the ledger."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import Final

from scheduling.models import Task, TaskLogLine
from scheduling.secret_values import hidden
from scheduling.storable import storable_text

# Of one attempt: a job that logs in a tight loop must not fill the database.
MOST_LINES: Final = 1000
# A longer line is cut: a log is for people to read.
MOST_LINE_CHARACTERS: Final = 2000


class JobLog(logging.Handler):
    """Keeps the lines of one attempt until `store`, at most MOST_LINES. The last of these says that more was logged."""

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
        message = "more was logged, and is not kept" if last else hidden(record.getMessage())
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
        """Write the lines since the last call. When this raises DatabaseError, the lines are kept for the next call."""
        with self._storing:
            lines = list(self._waiting)
            if lines:
                TaskLogLine.objects.bulk_create(lines)
                del self._waiting[: len(lines)]

    def logger(self, name: str) -> logging.Logger:
        """A logger for this attempt only. Its lines also go to the handlers of the logger `name`."""
        made = logging.Logger(name)  # noqa: LOG001 - not for the whole process: it is dropped after the attempt
        made.parent = logging.getLogger(name)
        made.addHandler(self)
        return made
