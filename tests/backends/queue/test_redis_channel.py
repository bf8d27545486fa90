"""What a worker's connection to Redis keeps of messages that are not acknowledged: nothing of Tandem's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from kombu.transport.pyamqp import Transport as AmqpTransport

from backends.queue.app import app
from backends.queue.consumer import Consumer
from backends.queue.executor import QueueExecutor
from backends.queue.redis_channel import lean
from tests.backends.queue.brokers import Broker
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db

KEPT = ("tandem:unacked", "tandem:unacked_index")


@contextmanager
def taken(count: int) -> Iterator[tuple[Any, list[Any]]]:
    """The channel of a consumer as a worker has it, and the messages that it has taken and not acknowledged."""
    found: list[Any] = []
    worker: Any = object.__new__(Consumer)
    worker.app, worker.first_connection_attempt = app, True
    with worker.ensure_connected(app.connection_for_read()) as there, there.channel() as channel:
        queue = app.amqp.queues[app.conf.task_default_queue]
        with app.amqp.Consumer(channel, [queue], callbacks=[lambda _, message: found.append(message)]):
            while len(found) < count:
                there.drain_events(timeout=10)
        yield channel, found


def two_messages() -> None:
    """One of another Celery task, and one of Tandem."""
    app.send_task("another.task")
    QueueExecutor().submit([a_task(a_schedule())])


def names(messages: list[Any]) -> set[str]:
    return {message.headers["task"] for message in messages}


def kept(broker: Broker) -> list[int]:
    """How many messages Redis holds that were taken and not acknowledged, in each of kombu's two keys for them."""
    with redis.Redis(unix_socket_path=str(broker.server.folder / "valkey.sock")) as client:
        return [int(client.hlen(KEPT[0])), int(client.zcard(KEPT[1]))]


def test_redis_keeps_only_messages_of_other_celery_tasks(broker: Broker) -> None:
    two_messages()
    with taken(2) as (_, messages):
        assert names(messages) == {"another.task", "tandem.run"}
        assert kept(broker) == [1, 1]
        for message in messages:
            message.ack()
        assert kept(broker) == [0, 0]
    assert broker.messages() == []


def test_what_is_not_acknowledged_at_the_end_is_put_back(broker: Broker) -> None:
    two_messages()
    before = sorted(broker.messages())
    with taken(2):
        assert broker.messages() == []
    assert sorted(broker.messages()) == before
    with taken(2) as (_, again):
        assert all(message.headers["redelivered"] for message in again)
        for message in again:
            message.ack()
    assert broker.messages() == []


def test_a_message_can_be_put_back_or_thrown_away(broker: Broker) -> None:
    two_messages()
    before = sorted(broker.messages())
    with taken(2) as (_, messages):
        for message in messages:
            message.requeue()
        assert sorted(broker.messages()) == before
    with taken(2) as (_, messages):
        for message in messages:
            message.reject()
    assert broker.messages() == []


@pytest.mark.usefixtures("broker")
def test_one_client_serves_all_commands_of_a_channel() -> None:
    two_messages()
    with taken(2) as (channel, messages):
        assert channel._create_client() is channel._create_client()
        for message in messages:
            message.ack()


def test_other_transports_are_left_alone() -> None:
    assert lean(AmqpTransport) is AmqpTransport
