"""What a message says. Celery and kombu write one of each kind; the others are copies with ids of their own.

Two tasks with the same queue, priority and job have messages that differ in the ids only. To write such a message costs
Celery, kombu and the broker's client twenty times as much as all the rest of its way to the broker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Written:
    """A message in the words of a kombu channel: what `prepare_message` takes, and where `basic_publish` sends it."""

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


@dataclass(frozen=True, slots=True)
class Message:
    """The message of a task: `pattern`, which may be that of another task, with the ids of this one.

    The two have the same number of bytes.
    """

    task: Task
    pattern: Written

    def copied(self, wire: bytes, stored: Callable[[str], bytes] = str.encode) -> bytes:
        """`wire`, which is how the broker's client writes the pattern, with the ids of this message.

        `stored` says how the body stands in it.
        """
        before, now = self.pattern.headers["argsrepr"], repr(_arguments(self.task))
        body = self.pattern.body
        # The arguments are the first thing in the body.
        start = _as_json(before)
        return (
            wire.replace(stored(body), stored(_as_json(now) + body.removeprefix(start)))
            .replace(self.pattern.headers["id"].encode(), message_id(self.task.pk, self.task.attempt).encode())
            .replace(before.encode(), now.encode())
        )


def messages(tasks: Iterable[Task], connection: Connection) -> Iterator[Message]:
    """The message of each task, in order. Nothing is sent, and `connection` need not be open."""
    # A receiver of these signals expects one call for each message, and may add headers to it.
    one_by_one = bool(before_task_publish.receivers or after_task_publish.receivers)
    written: dict[object, Written] = {}
    for task in tasks:
        # The length of the ids counts: the lengths of texts stand in a message, too.
        kind = (task.queue, task.priority, task.job, len(str(task.pk)), task.attempt)
        pattern = None if one_by_one else written.get(kind)
        if pattern is None:
            pattern = written[kind] = _written(task, connection)
        yield Message(task, pattern)


def queue_of(queue: str) -> str:
    """The name of the queue that the `queue` of a task means: '' is the default queue.

    A worker takes the queues that it is started with (`-Q reports`), or else the default queue.
    """
    return queue or str(app.conf.task_default_queue)


def _written(task: Task, connection: Connection) -> Written:
    """The message as `apply_async` writes it."""
    channel: Any = _RecordingChannel(connection)
    # The sender of the message declares the queue.
    elsewhere: dict[str, Any] = {"declare": [], "producer": Producer(channel, auto_declare=False), "retry": False}
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
    return Written(**channel.written)


def _arguments(task: Task) -> tuple[int, int]:
    return task.pk, task.attempt


def _as_json(arguments: str) -> str:
    """How the body begins, from the `repr` of the arguments, which are two numbers."""
    return f"[[{arguments[1:-1]}]"


class _RecordingChannel:
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
