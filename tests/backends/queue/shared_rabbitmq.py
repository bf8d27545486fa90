"""One RabbitMQ for all tests of a process: its start takes longer than any of them.

They are marked `shares("RabbitMQ")`, and so run in one process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

import amqp

from tests.servers.plugin import require
from tests.servers.rabbitmq import RabbitServer

# Those that tests use.
_QUEUES = ("tandem", "reports")

_until_the_end = ExitStack()


@contextmanager
def rabbitmq() -> Iterator[RabbitServer]:
    """RabbitMQ without queues. A test may stop or kill it inside the block, and leave it so."""
    require("RabbitMQ")
    server = _server()
    if server.process is None:
        server.start()
    with amqp.Connection(f"127.0.0.1:{server.port}") as connection:
        channel = connection.channel()
        for queue in _QUEUES:
            channel.queue_delete(queue)
    yield server


def end_server() -> None:
    """End the server, if one was started."""
    _until_the_end.close()
    _server.cache_clear()


@cache
def _server() -> RabbitServer:
    return _until_the_end.enter_context(RabbitServer())
