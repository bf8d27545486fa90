"""How messages are sent together, and what the broker tells of each. The contract; each broker has its own sender.

kombu would wait for the answer to each message. A sender sends some, then reads their answers. It repeats nothing: a
message whose answer did not come may have arrived.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.utils.module_loading import import_string
from kombu import Connection

from backends.queue.messages import Message

# By kombu's name of the protocol. Imported when needed: the client of Redis takes half a second of CPU, which each
# `manage.py due` would pay.
_SENDERS: Final = {
    "redis": "backends.queue.redis_sender.RedisSender",
    "amqp": "backends.queue.rabbit_sender.RabbitSender",
}


class BatchSender(ABC):
    """Sends messages over one connection to the broker."""

    # What declares queues, and prepares messages.
    channel: Any

    @classmethod
    @abstractmethod
    def over(cls, connection: Connection) -> BatchSender:
        """A sender over this connection, which is opened if need be. Sends no message.

        Raises an error of the connection where the broker is away, or has left the connection.
        """

    @abstractmethod
    def send(self, messages: Sequence[Message], *, until: float) -> Iterator[Message]:
        """Send the messages, and yield each that the broker has taken.

        What it has taken is yielded before any error is raised: OperationalError where the broker refuses a message, an
        error of the connection where it is gone or says nothing for TANDEM_PUBLISH_SECONDS, and TimeoutError where its
        answers last beyond `until` (time.monotonic).
        """

    @abstractmethod
    def release(self) -> None:
        """Leave the connection to the next one. Not after an error: then the connection is closed."""


def load(connection: Connection) -> type[BatchSender]:
    """Import what sends over this connection, with the client of the broker. The connection is not opened."""
    kind: type[BatchSender] = import_string(_SENDERS[connection.transport.driver_type])
    return kind


def sender(connection: Connection) -> BatchSender:
    """A sender over this connection, or over a new one where the broker has left this one.

    Raises an error of the connection where the broker is away.
    """
    kind = load(connection)
    was_open = connection.connected
    try:
        return kind.over(connection)
    except connection.connection_errors:
        if not was_open:
            raise
        # One more try, at once: a connection in the pool may have died long ago. No message was sent.
        connection.collect()
        return kind.over(connection)


def in_time(until: float) -> None:
    """Raises TimeoutError when `until` (time.monotonic) is over."""
    if time.monotonic() > until:
        raise TimeoutError
