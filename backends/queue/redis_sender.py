"""Messages to Redis or Valkey: one write for all of them, then one answer for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import ResponseError

from backends.queue.batch_sender import BatchSender, in_time
from backends.queue.messages import Message, Written


class RedisSender(BatchSender):
    """Sends what kombu would have sent, over a connection of kombu's own pool."""

    def __init__(self, channel: Any, pool: Any) -> None:
        self.channel = channel
        self._pool = pool
        self._patterns: WeakKeyDictionary[Written, tuple[bytes, bytes]] = WeakKeyDictionary()
        # A connection that the broker has closed is opened anew here.
        self._line: Any = pool.get_connection()

    @classmethod
    def over(cls, connection: Connection) -> RedisSender:
        """As BatchSender."""
        channel: Any = connection.default_channel
        with channel.conn_or_acquire() as client:
            sender = cls(channel, client.connection_pool)
        try:
            # A PING, where the last answer is long ago: a firewall may have dropped the connection.
            sender._line.check_health()
        except BaseException:
            sender._line.disconnect()
            sender.release()
            raise
        return sender

    def send(self, messages: Sequence[Message], *, until: float) -> Iterator[Message]:
        """As BatchSender."""
        refused: ResponseError | None = None
        try:
            self._line.send_packed_command([b"".join(map(self._wire, messages))])
            for message in messages:
                try:
                    self._line.read_response()
                except ResponseError as exc:
                    refused = exc
                else:
                    yield message
                in_time(until)
        except BaseException:
            # Answers may still come, and nobody else may read them.
            self._line.disconnect()
            raise
        if refused is not None:
            raise OperationalError(type(refused).__name__) from refused

    def release(self) -> None:
        """As BatchSender."""
        self._pool.release(self._line)

    def _wire(self, message: Message) -> bytes:
        """What the client writes for the message. The tag by which kombu knows a delivery is new, too."""
        found = self._patterns.get(message.pattern)
        if found is None:
            found = self._patterns[message.pattern] = self._written(message.pattern)
        wire, tag = found
        return message.copied(wire, self._stored).replace(tag, str(uuid4()).encode())

    def _written(self, pattern: Written) -> tuple[bytes, bytes]:
        """What the client writes for the command that kombu sends, and kombu's tag in it.

        Raises ValueError where kombu would send several commands: the answers could not be told apart.
        """
        # The pipeline collects the commands, with the prefix of the keys.
        batch = self.channel.create_publish_batch(max_size=2)
        prepared = pattern.prepared(self.channel)
        try:
            batch.publish(prepared, exchange=pattern.exchange, routing_key=pattern.routing_key)
            [(command, _options)] = batch.pipeline.command_stack
            return b"".join(self._line.pack_command(*command)), prepared["properties"]["delivery_tag"].encode()
        finally:
            batch.close()

    def _stored(self, body: str) -> bytes:
        encoded, _ = self.channel.encode_body(body, self.channel.body_encoding)
        return str(encoded).encode()
