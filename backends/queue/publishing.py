"""How messages are sent. Everything that a caller may have to wait for at the broker has a time limit here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from kombu import Connection, Producer
from kombu.pools import producers

from backends.queue.app import app
from backends.queue.celery_jobs import shown_name
from backends.queue.message_ids import message_id
from backends.queue.tasks import run
from scheduling.models import Task


def publish(tasks: Iterable[Task]) -> Iterator[Task]:
    """Send a message for each task, in order, and yield the task when the broker has taken its message.

    Raises kombu's OperationalError or OSError at the first message that the broker did not confirm within two seconds.
    The broker may have that message nevertheless. The messages of the tasks yielded before it are sent.
    """
    options: dict[str, Any] = {
        "timeout": settings.TANDEM_PUBLISH_SECONDS,
        "confirm_timeout": settings.TANDEM_PUBLISH_SECONDS,
    }
    with _producer() as producer:
        for task in tasks:
            run.apply_async(
                args=(task.pk, task.attempt),
                task_id=message_id(task.pk, task.attempt),
                # The name that Flower and a worker's log show.
                shadow=shown_name(task.job),
                # Priority 9 comes first on every broker.
                priority=settings.TANDEM_BROKER_PRIORITIES[task.priority],
                queue=queue_of(task.queue),
                producer=producer,
                **options,
            )
            yield task


def queue_of(queue: str) -> str:
    """The name of the queue that the `queue` of a task means: '' is the default queue.

    A worker takes the queues that it is started with (`-Q reports`), or else the default queue.
    """
    return queue or str(app.conf.task_default_queue)


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


@contextmanager
def _producer() -> Iterator[Producer]:
    # Equal connections share a pool; a forked process gets a new pool (kombu.pools).
    pool = producers[connection()]
    with pool.acquire(block=True, timeout=settings.TANDEM_PUBLISH_SECONDS) as producer:
        used = producer.connection
        try:
            yield producer
        except Exception:
            # kombu may keep a channel that it has closed. The next one who takes this connection opens it anew.
            used.collect()
            raise
