"""How many messages wait at the broker?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kombu import Connection
from kombu.exceptions import KombuError

from backends.queue.app import app


def messages_waiting(connection: Connection, queues: Iterable[str]) -> int:
    """How many messages wait in the queues. Raises one of `errors`."""
    channel: Any = connection.channel()
    try:
        return sum(_waiting(channel, name) for name in queues)
    finally:
        connection.maybe_close_channel(channel)


def errors() -> tuple[type[BaseException], ...]:
    """The exceptions that kombu and its transport for the broker in use may raise."""
    connection = app.connection_for_write()
    return (KombuError, OSError, *connection.connection_errors, *connection.channel_errors)


def _waiting(channel: Any, name: str) -> int:
    # Declared with the same arguments as by a sender. A passive declaration finds no queue in a Redis with
    # global_keyprefix.
    queue = app.amqp.queues[name]
    arguments = channel.prepare_queue_arguments(queue.queue_arguments or {})
    declared = channel.queue_declare(
        queue=name,
        durable=queue.durable,
        exclusive=queue.exclusive,
        auto_delete=queue.auto_delete,
        arguments=arguments,
    )
    return int(declared.message_count)
