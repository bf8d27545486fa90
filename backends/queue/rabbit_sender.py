"""Messages to RabbitMQ: all of them, then their confirms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

import amqp
from amqp.exceptions import MessageNacked
from amqp.method_framing import frame_writer
from django.conf import settings
from kombu import Connection
from kombu.exceptions import OperationalError

from backends.queue.batch_sender import BatchSender, in_time
from backends.queue.messages import Message, Written


class RabbitSender(BatchSender):
    """Sends over a channel of its own: a confirm names a message by its number on the channel, from 1 on."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        channel.confirm_select()
        channel.events["basic_ack"].add(self._confirm)
        channel.events["basic_nack"].add(self._refuse)
        self._patterns: WeakKeyDictionary[Written, bytes] = WeakKeyDictionary()
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
            self._publish(messages)
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

    def _publish(self, messages: Sequence[Message]) -> None:
        frames = b"".join([message.copied(self._wire(message.pattern)) for message in messages])
        for message in messages:
            self._sent += 1
            self._unanswered[self._sent] = message
        transport = self.channel.connection.transport
        with transport.having_timeout(settings.TANDEM_PUBLISH_SECONDS):
            transport.write(frames)

    def _wire(self, pattern: Written) -> bytes:
        """The frames that the client writes for the message."""
        found = self._patterns.get(pattern)
        if found is None:
            connection, transport = self.channel.connection, _RecordingTransport()
            writer, connection.frame_writer = connection.frame_writer, frame_writer(connection, transport)
            try:
                # As the class has it: this channel's own method waits for the confirm.
                amqp.Channel.basic_publish(
                    self.channel,
                    pattern.prepared(self.channel),
                    exchange=pattern.exchange,
                    routing_key=pattern.routing_key,
                )
            finally:
                connection.frame_writer = writer
            found = self._patterns[pattern] = transport.written
        return found

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


class _RecordingTransport:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, frames: bytes) -> None:
        # A copy: py-amqp writes the next frames over these.
        self.written += bytes(frames)


# By the connections of kombu's pool.
_kept: Final[WeakKeyDictionary[Connection, RabbitSender]] = WeakKeyDictionary()
