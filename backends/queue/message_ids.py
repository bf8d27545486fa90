"""How the id of a message holds the ids of its task and attempt, so that Celery's log lines and Flower show them.

settings.LOGGING uses the filter below.
"""

from __future__ import annotations

import logging
import re
from typing import Final
from uuid import uuid4

_NAME: Final = re.compile(r"task-(?P<task>[0-9]+)-attempt-(?P<attempt>[0-9]+)-[0-9a-f]+", re.ASCII)


def message_id(task_id: int, attempt: int) -> str:
    """A new id for a message about an attempt. Each message has its own id, also when the attempt is sent again."""
    return f"task-{task_id}-attempt-{attempt}-{uuid4().hex[:8]}"


def ids_in(message: str) -> dict[str, int]:
    """`task_id` and `attempt` from a message's id; empty for the message of another Celery task."""
    found = _NAME.fullmatch(message)
    return {} if found is None else {"task_id": int(found["task"]), "attempt": int(found["attempt"])}


class MessageIds(logging.Filter):
    """Adds the ids, as `record.ids`, to the log lines that Celery writes about a message (received, succeeded)."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: every record passes."""
        data = vars(record).pop("data", None)
        if isinstance(data, dict):
            record.ids = {**ids_in(str(data.get("id", ""))), **getattr(record, "ids", {})}
        return True
