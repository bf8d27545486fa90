"""What a worker's connection to Redis leaves out: kombu's own acknowledgements of Tandem's messages.

To acknowledge a message, kombu's Redis transport writes it to two more keys when it is taken, and deletes it there
later: two transactions for each message, each with a new client object. Without them, to take a message costs a
worker's parent a third of the CPU. A message of Tandem is only a wake-up, which the ledger sends again after a minute;
kombu would do so after an hour. Messages of other Celery tasks keep their acknowledgements.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from kombu.transport import virtual

from backends.queue.tasks import run


@cache
def lean(transport: type[Any]) -> type[Any]:
    """The class of a transport without what this module leaves out; any but that of Redis as it is."""
    if transport.driver_type != "redis":
        return transport
    channel: type[Any] = type("LeanChannel", (_LeanChannel, transport.Channel), {})
    channel.QoS = type("LeanQoS", (_LeanQoS, transport.Channel.QoS), {})
    return type("LeanTransport", (transport,), {"Channel": channel})


class _LeanChannel:
    """Mixed into kombu's channel. It keeps its client, which kombu makes anew for each command."""

    _kept: Any = None

    def _create_client(self: Any, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002 - kombu's signature
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]  # kombu's class, which has no stubs
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[misc]  # as above
        return self._kept


class _LeanQoS:
    """Mixed into what kombu's channel keeps of messages that are not acknowledged: Tandem's are kept in memory only."""

    def append(self: Any, message: Any, delivery_tag: str) -> None:
        """A message has been taken."""
        if _is_wake_up(message):
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)  # type: ignore[misc]  # as above

    def ack(self: Any, delivery_tag: str) -> None:
        """A message is done with: its task begins."""
        if _is_wake_up(self._delivered.get(delivery_tag)):
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().ack(delivery_tag)  # type: ignore[misc]  # as above

    def restore_by_tag(self: Any, tag: str, client: Any = None, leftmost: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        """Put a message back into its queue: the worker ends before the task has begun."""
        message = self._delivered.get(tag)
        if not _is_wake_up(message):
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[misc]  # as above
            return
        to, channel = message.delivery_info, self.channel
        with channel.conn_or_acquire(client) as connection, connection.pipeline() as pipe:
            restore = channel._do_restore_message  # noqa: SLF001 - as kombu's own class does; there is no public way
            restore(message._raw, to["exchange"], to["routing_key"], pipe, leftmost)  # noqa: SLF001 - as above
            pipe.execute()


def _is_wake_up(message: Any) -> bool:
    return message is not None and message.headers.get("task") == run.name
