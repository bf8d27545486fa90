"""What is sent to clients of live status? One JSON object for each event. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from api.fields import Instant
from api.owned import actor_of_tandem
from scheduling.events.log import kind_of_tandem
from scheduling.models import Task, TaskEvent


@dataclass(frozen=True, slots=True)
class Update:
    """An event as it is sent. `number` counts within its task. A feed that has sent this resumes at `position`.
    `owner` is the task's.
    """

    task_id: int
    number: int
    text: str
    position: int = 0
    owner: int | None = None


def update(event: TaskEvent) -> Update:
    """The update for a client that watches the event's task."""
    return Update(event.task_id, event.number, _text(_message(event)), owner=_owner(event))


def present(last: TaskEvent) -> Update:
    """The current state of a task: its last event, with the task's result, progress and error.

    `last.task` must be the task as it was at that event.
    """
    task: Task = last.task
    standing = {"result": task.result, "progress": task.progress, "error": task.error}
    return Update(last.task_id, last.number, _text(_message(last) | standing), owner=task.owner)


def feed_update(event: TaskEvent, position: int) -> Update:
    """The update for a client of the feed of all tasks."""
    message = _message(event) | {"position": position}
    return Update(event.task_id, event.number, _text(message), position, _owner(event))


def _message(event: TaskEvent) -> dict[str, Any]:
    detail = dict(event.detail)
    return {
        "event": event.number,
        "task": event.task_id,
        "status": event.status,
        "at": Instant().to_representation(event.at),
        "actor": _actor(event),
        "result": detail.pop("result", None),
        "progress": detail.pop("progress", None),
        "error": detail.pop("error", ""),
        "detail": detail,
    }


def _actor(event: TaskEvent) -> dict[str, str]:
    """As api.owned.ActorOutput shows it, which takes ten times as long: each event is written once for all clients."""
    if event.actor is None:
        return actor_of_tandem(kind_of_tandem(event))
    return {"kind": event.actor.kind, "user": event.actor.user, "token": event.actor.token}


def _owner(event: TaskEvent) -> int | None:
    """The owner of the event's task, as `scheduling.events.log.events` has read it."""
    owner: int | None = getattr(event, "owner", None)
    return owner


def _text(message: dict[str, Any]) -> str:
    # One line, as server-sent events require: JSON escapes line breaks.
    return json.dumps(message, separators=(",", ":"))
