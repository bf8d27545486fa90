"""Messages to RabbitMQ: all of them, then their confirms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

import amqp
from amqp.exceptions import MessageNacked
from django.conf import settings
from kombu import Connection
from kombu.exceptions import OperationalError

from backends.queue.batch_sender import BatchSender, in_time
from backends.queue.messages import Message


class RabbitSender(BatchSender):
    """Sends over a channel of its own: a confirm names a message by its number on the channel, from 1 on."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        channel.confirm_select()
        channel.events["basic_ack"].add(self._confirm)
        channel.events["basic_nack"].add(self._refuse)
        self._sent = 0
        self._unanswered: dict[int, Message] = {}
        self._taken: list[Message] = []
        self._refused = 0

    @classmethod
    def over(cls, connection: Connection) -> RabbitSender:
        """As BatchSender. A connection keeps its sender: to open a channel costs more than to send a message."""
        # To ask for it opens the connection, with the time limits of its options. `channel` alone has none.
        opened: Any = connection.default_channel
        kept = _kept.get(connection)
        if kept is None or kept.channel.connection is not opened.connection:
            kept = _kept[connection] = cls(connection.channel())
        kept._look()
        return kept

    def _look(self) -> None:
        """Read what the broker has sent meanwhile, such as that it has closed the connection."""
        with suppress(TimeoutError):
            while True:
                self.channel.connection.drain_events(timeout=0)

    def send(self, messages: Sequence[Message], *, until: float) -> Iterator[Message]:
        """As BatchSender."""
        try:
            for message in messages:
                self._publish(message)
            while self._unanswered:
                self.channel.connection.drain_events(timeout=settings.TANDEM_PUBLISH_SECONDS)
                yield from self._newly_taken()
                in_time(until)
        except Exception:
            # More may have been confirmed since, such as in the middle of the sending.
            yield from self._newly_taken()
            raise
        yield from self._newly_taken()
        if self._refused:
            self._refused = 0
            raise OperationalError("MessageNacked") from MessageNacked()

    def release(self) -> None:
        """As BatchSender."""

    def _publish(self, message: Message) -> None:
        self._sent += 1
        self._unanswered[self._sent] = message
        # As the class has it: this channel's own method waits for the confirm.
        amqp.Channel.basic_publish(
            self.channel,
            message.prepared(self.channel),
            exchange=message.exchange,
            routing_key=message.routing_key,
            timeout=settings.TANDEM_PUBLISH_SECONDS,
        )

    def _confirm(self, number: int, multiple: bool) -> None:  # noqa: FBT001 - how py-amqp calls it
        self._taken += self._answered(number, multiple=multiple)

    def _refuse(self, number: int, multiple: bool) -> None:  # noqa: FBT001 - how py-amqp calls it
        self._refused += len(self._answered(number, multiple=multiple))

    def _answered(self, number: int, *, multiple: bool) -> list[Message]:
        """Take out the messages that an answer is about: one, or all up to one."""
        numbers = [each for each in self._unanswered if each <= number] if multiple else [number]
        return [self._unanswered.pop(each) for each in numbers]

    def _newly_taken(self) -> list[Message]:
        taken, self._taken = self._taken, []
        return taken


# By the connections of kombu's pool.
_kept: Final[WeakKeyDictionary[Connection, RabbitSender]] = WeakKeyDictionary()
