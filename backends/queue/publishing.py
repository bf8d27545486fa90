"""How messages are sent. Everything that a caller may have to wait for at the broker has a time limit here."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Final

from django.conf import settings
from kombu import Connection
from kombu.common import maybe_declare
from kombu.exceptions import OperationalError
from kombu.pools import connections

from backends.queue.app import app
from backends.queue.batch_sender import BatchSender, in_time, sender
from backends.queue.messages import messages, queue_of
from scheduling.models import Task

# So many messages are in memory, and unanswered, at a time.
TOGETHER: Final = 100
# Seconds that one call of `publish` may take, and little more: the ledger counts on it (scheduling.delivery).
MOST_SECONDS: Final = 2.0


class QueueRefused(Exception):
    """The broker does not take messages for this queue: RabbitMQ has one of this name with other arguments (406)."""

    def __init__(self, queue: str) -> None:
        super().__init__(queue)
        self.queue = queue


def publish(tasks: Iterable[Task]) -> Iterator[Task]:
    """Send a message for each task, in order, and yield each task whose message the broker has taken.

    Raises QueueRefused before anything is sent. Raises kombu's OperationalError or OSError where the broker cannot be
    reached, refuses a message, or does not answer in time; it may then have messages of tasks that were not yielded.
    """
    until = time.monotonic() + MOST_SECONDS
    tasks = list(tasks)
    with _pooled_connection() as used:
        sending = sender(used)
        _declare(dict.fromkeys(task.queue for task in tasks), sending)
        written = messages(tasks, used)
        while together := list(islice(written, TOGETHER)):
            in_time(until)
            for message in sending.send(together, until=until + settings.TANDEM_PUBLISH_SECONDS):
                yield message.task
        sending.release()


def connection() -> Connection:
    """A new connection to the broker, not yet opened. Each of its steps takes at most TANDEM_PUBLISH_SECONDS."""
    return app.connection_for_write(
        connect_timeout=settings.TANDEM_PUBLISH_SECONDS,
        transport_options=settings.TANDEM_PUBLISH_OPTIONS,
    )


@contextmanager
def opened() -> Iterator[Connection]:
    """A new connection as `connection` makes it, open. Raises one of `queue_depth.errors` if the broker is away."""
    with connection() as new:
        # By default kombu waits two seconds before the second try.
        new.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        yield new


def _declare(queues: Iterable[str], sending: BatchSender) -> None:
    """Declare the queues as kombu does before it publishes: each once for a connection."""
    for name in map(queue_of, queues):
        try:
            maybe_declare(app.amqp.queues[name], sending.channel)
        except app.connection_for_write().channel_errors as exc:
            raise QueueRefused(name) from exc


@contextmanager
def _pooled_connection() -> Iterator[Connection]:
    # Equal connections share a pool; a forked process gets a new pool (kombu.pools).
    with connections[connection()].acquire(block=True, timeout=settings.TANDEM_PUBLISH_SECONDS) as used:
        try:
            yield used
        except used.connection_errors as exc:
            used.collect()
            # Only the type: the text may hold the broker's address with its password.
            raise OperationalError(type(exc).__name__) from exc
        except BaseException:
            # A channel may be closed, or its answers may still come. The next one opens the connection anew.
            used.collect()
            raise
