"""Messages to Redis or Valkey: one write for all of them, then one answer for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import ResponseError

from backends.queue.batch_sender import BatchSender, in_time
from backends.queue.messages import Message


class RedisSender(BatchSender):
    """Sends what kombu would have sent, over a connection of kombu's own pool."""

    def __init__(self, channel: Any, pool: Any) -> None:
        self.channel = channel
        self._pool = pool
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
            self._line.send_packed_command(self._line.pack_commands(self._commands(messages)))
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

    def _commands(self, messages: Sequence[Message]) -> list[Sequence[Any]]:
        """The command that kombu sends for each message. Its pipeline collects them, with the prefix of the keys.

        Raises ValueError where kombu would send several commands for a message: the answers could not be told apart.
        """
        batch = self.channel.create_publish_batch(max_size=len(messages) + 1)
        try:
            for message in messages:
                prepared = message.prepared(self.channel)
                batch.publish(prepared, exchange=message.exchange, routing_key=message.routing_key)
            return [command for _, (command, _) in zip(messages, batch.pipeline.command_stack, strict=True)]
        finally:
            batch.close()
