"""What a message is called: Celery's lines and Flower then show the ledger's own numbers. Logging is set up with it."""

from __future__ import annotations

import logging
import re
from typing import Final
from uuid import uuid4

_NAME: Final = re.compile(r"task-(?P<task>[0-9]+)-attempt-(?P<attempt>[0-9]+)-[0-9a-f]+", re.ASCII)


def message_id(task_id: int, attempt: int) -> str:
    """A new id for a message about an attempt; one that is sent again has another."""
    return f"task-{task_id}-attempt-{attempt}-{uuid4().hex[:8]}"


def ids_in(message: str) -> dict[str, int]:
    """The ids in a message's id; none in that of another Celery task."""
    found = _NAME.fullmatch(message)
    return {} if found is None else {"task_id": int(found["task"]), "attempt": int(found["attempt"])}


class MessageIds(logging.Filter):
    """Marks the lines that Celery itself writes about a message (received, succeeded): `record.ids`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through."""
        data = vars(record).pop("data", None)
        if isinstance(data, dict):
            record.ids = {**ids_in(str(data.get("id", ""))), **getattr(record, "ids", {})}
        return True
