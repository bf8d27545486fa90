"""Sending messages: the only place that waits for the broker while somebody waits for an answer."""

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
    """Send a message for each task, in order, and yield the task once the broker has it.

    Raises kombu's OperationalError or OSError at the first one that the broker did not take within two seconds; it may
    have it nevertheless. Nothing that was yielded is lost by that.
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
                # What Flower and a worker's log call it.
                shadow=shown_name(task.job),
                # 9 is first on every broker.
                priority=settings.TANDEM_WIRE_PRIORITIES[task.priority],
                # A worker takes the queues it is started with (`-Q reports`); the default one where nothing is said.
                queue=task.queue or app.conf.task_default_queue,
                producer=producer,
                **options,
            )
            yield task


def connection() -> Connection:
    """A connection of its own, not yet opened, whose every step is bounded by TANDEM_PUBLISH_SECONDS."""
    return app.connection_for_write(
        connect_timeout=settings.TANDEM_PUBLISH_SECONDS,
        transport_options=settings.TANDEM_PUBLISH_OPTIONS,
    )


@contextmanager
def opened() -> Iterator[Connection]:
    """Such a connection, open. Raises what kombu does where the broker is away."""
    with connection() as there:
        # By itself it would wait for two seconds before the second try.
        there.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        yield there


@contextmanager
def _producer() -> Iterator[Producer]:
    # Equal connections share a pool; a process that forks gets a new one (kombu.pools).
    pool = producers[connection()]
    with pool.acquire(block=True, timeout=settings.TANDEM_PUBLISH_SECONDS) as producer:
        yield producer
