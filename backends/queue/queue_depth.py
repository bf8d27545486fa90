"""How many messages wait in each queue of the broker?"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from kombu import Connection
from kombu.exceptions import KombuError

from backends.queue.app import app

log = logging.getLogger(__name__)


def messages_waiting(connection: Connection, queues: Iterable[str]) -> dict[str, int]:
    """How many messages wait in each of the queues. Raises one of `errors` when the broker does not answer.

    A queue that the broker refuses to count is left out: RabbitMQ has one with this name and other arguments.
    """
    found = {}
    for name in queues:
        # RabbitMQ closes the channel on which it refuses something.
        channel: Any = connection.channel()
        try:
            found[name] = _waiting(channel, name)
        except connection.channel_errors as exc:
            log.warning("the broker does not count queue %s: %s", name, type(exc).__name__)
        finally:
            connection.maybe_close_channel(channel)
    return found


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
