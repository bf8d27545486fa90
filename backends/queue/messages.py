"""What a message says. Celery and kombu write one of each kind; the others are copies with ids of their own.

Two tasks with the same queue, priority and job have messages that differ in the ids only. To write such a message costs
Celery and kombu ten times as much as all the rest of its way to the broker.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from celery.signals import after_task_publish, before_task_publish
from django.conf import settings
from kombu import Connection, Producer

from backends.queue.app import app
from backends.queue.celery_jobs import shown_name
from backends.queue.message_ids import message_id
from backends.queue.tasks import run
from scheduling.models import Task


@dataclass(frozen=True, slots=True)
class Message:
    """A message in the words of a kombu channel: what `prepare_message` takes, and where `basic_publish` sends it."""

    task: Task
    body: str
    headers: Mapping[str, Any]
    properties: Mapping[str, Any]
    # The other arguments of prepare_message: priority, content type and encoding.
    form: Mapping[str, Any]
    exchange: str
    routing_key: str

    def prepared(self, channel: Any) -> Any:
        """The message as the channel publishes it. A channel changes what it prepares, so each call makes a new one."""
        return channel.prepare_message(
            self.body, headers=dict(self.headers), properties=dict(self.properties), **self.form
        )


def messages(tasks: Iterable[Task], connection: Connection) -> Iterator[Message]:
    """The message of each task, in order. Nothing is sent, and `connection` need not be open."""
    # A receiver of these signals expects one call for each message, and may add headers to it.
    one_by_one = bool(before_task_publish.receivers or after_task_publish.receivers)
    written: dict[object, Message] = {}
    for task in tasks:
        kind = (task.queue, task.priority, task.job)
        pattern = None if one_by_one else written.get(kind)
        if pattern is None:
            written[kind] = message = _written(task, connection)
        else:
            message = _copy(pattern, task)
        yield message


def queue_of(queue: str) -> str:
    """The name of the queue that the `queue` of a task means: '' is the default queue.

    A worker takes the queues that it is started with (`-Q reports`), or else the default queue.
    """
    return queue or str(app.conf.task_default_queue)


def _written(task: Task, connection: Connection) -> Message:
    """The message as `apply_async` writes it."""
    paper: Any = _Paper(connection)
    # The queue is declared by whoever sends the message.
    elsewhere: dict[str, Any] = {"declare": [], "producer": Producer(paper, auto_declare=False), "retry": False}
    run.apply_async(
        args=_arguments(task),
        task_id=message_id(task.pk, task.attempt),
        # The name that Flower and a worker's log show.
        shadow=shown_name(task.job),
        # Priority 9 comes first on every broker.
        priority=settings.TANDEM_BROKER_PRIORITIES[task.priority],
        queue=queue_of(task.queue),
        **elsewhere,
    )
    return Message(task, **paper.written)


def _copy(pattern: Message, task: Task) -> Message:
    """The message of another task of the same kind: the two differ where the pattern has its own ids."""
    before, now = _arguments(pattern.task), _arguments(task)
    ids = {
        pattern.headers["id"]: message_id(task.pk, task.attempt),
        pattern.headers["argsrepr"]: repr(now),
    }
    # The arguments are the first thing in the body.
    body = f"[{json.dumps(now)}" + pattern.body.removeprefix(f"[{json.dumps(before)}")
    return Message(
        task,
        body,
        {name: ids.get(value, value) if isinstance(value, str) else value for name, value in pattern.headers.items()},
        {**pattern.properties, "correlation_id": ids[pattern.headers["id"]]},
        pattern.form,
        pattern.exchange,
        pattern.routing_key,
    )


def _arguments(task: Task) -> tuple[int, int]:
    return task.pk, task.attempt


class _Paper:
    """A channel for one message, which it keeps."""

    def __init__(self, connection: Connection) -> None:
        self.connection = _Client(connection)
        self.written: dict[str, Any] = {}

    def prepare_message(
        self,
        body: str,
        priority: int | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        headers: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        form = {"priority": priority, "content_type": content_type, "content_encoding": content_encoding}
        return {"body": body, "headers": headers, "properties": properties, "form": form}

    def basic_publish(self, message: dict[str, Any], exchange: str, routing_key: str, **_: Any) -> None:
        self.written = message | {"exchange": exchange, "routing_key": routing_key}


@dataclass(frozen=True, slots=True)
class _Client:
    """Where kombu looks for the connection of a channel."""

    client: Connection
