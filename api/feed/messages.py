"""What clients are sent: one JSON object for each event. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from api.fields import Instant
from scheduling.models import Task, TaskEvent


@dataclass(frozen=True, slots=True)
class Update:
    """An event, ready to be sent: `number` counts within its task; `position` is where a feed resumes after it."""

    task_id: int
    number: int
    text: str
    position: int = 0


def update(event: TaskEvent) -> Update:
    """What a client that watches the event's task is sent."""
    return _update(event, _message(event))


def present(last: TaskEvent) -> Update:
    """Where a task stands: its last event, with the result, the progress and the error as the task has them now.

    `last.task` must be the task as it was at that event.
    """
    task: Task = last.task
    standing = {"result": task.result, "progress": task.progress, "error": task.error}
    return _update(last, _message(last) | standing)


def feed_update(event: TaskEvent, position: int) -> Update:
    """What a client of the feed of all tasks is sent."""
    message = _message(event) | {"position": position}
    return Update(event.task_id, event.number, _text(message), position)


def _message(event: TaskEvent) -> dict[str, Any]:
    detail = dict(event.detail)
    return {
        "event": event.number,
        "task": event.task_id,
        "status": event.status,
        "at": Instant().to_representation(event.at),
        "result": detail.pop("result", None),
        "progress": detail.pop("progress", None),
        "error": detail.pop("error", ""),
        "detail": detail,
    }


def _update(event: TaskEvent, message: dict[str, Any]) -> Update:
    return Update(event.task_id, event.number, _text(message))


def _text(message: dict[str, Any]) -> str:
    # On one line, as server-sent events need it: JSON escapes line breaks.
    return json.dumps(message, separators=(",", ":"))
