"""The contract of the messages: what is sent in batches is, field by field, what `apply_async` sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from celery._state import _task_stack  # type: ignore[attr-defined]  # as in backends.queue.celery_jobs
from celery.signals import before_task_publish
from django.conf import settings
from kombu import pools

from backends.queue.celery_jobs import shown_name
from backends.queue.executor import QueueExecutor
from backends.queue.message_ids import ids_in, message_id
from backends.queue.messages import messages, queue_of
from backends.queue.publishing import connection
from backends.queue.tasks import run
from scheduling.models import Task
from tests.backends.queue.brokers import Broker, application_on
from tests.backends.queue.shared_rabbitmq import rabbitmq
from tests.backends.queue.stored import take_all
from tests.backends.queue.test_live_brokers import EVERY_SERVER
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.servers.server import Server

pytestmark = pytest.mark.django_db


def tasks_of_each_kind() -> list[Task]:
    """Two tasks with each of some priorities and queues, and one that is tried for the third time."""
    schedule = a_schedule(parameters={"steps": 3})
    kinds: list[dict[str, Any]] = [{"priority": 0}, {"priority": 9}, {"queue": "reports"}, {"job": "demo.fail"}]
    found = [a_task(schedule, **kind) for kind in kinds for _ in range(2)]
    return [*found, a_task(schedule, attempt=3)]


def publish_one_by_one(tasks: list[Task]) -> None:
    """Send each message as Celery and kombu do."""
    with pools.producers[connection()].acquire(block=True) as producer:
        for task in tasks:
            run.apply_async(
                args=(task.pk, task.attempt),
                task_id=message_id(task.pk, task.attempt),
                shadow=shown_name(task.job),
                priority=settings.TANDEM_BROKER_PRIORITIES[task.priority],
                queue=queue_of(task.queue),
                producer=producer,
            )


@contextmanager
def in_a_task() -> Iterator[None]:
    """Inside the block a worker runs a message, as when the end of one task releases another."""
    _task_stack.push(run)
    run.push_request(id="the parent", root_id="the root", called_directly=False, delivery_info={"priority": 3})
    try:
        yield
    finally:
        run.pop_request()
        _task_stack.pop()


@pytest.mark.live
@EVERY_SERVER
def test_a_batch_is_what_celery_and_kombu_send(make: Callable[[], AbstractContextManager[Server]]) -> None:
    tasks = tasks_of_each_kind()
    with make() as server, application_on(server.url):
        queues = (queue_of(""), "reports")
        publish_one_by_one(tasks)
        wanted = take_all(server, *queues)
        assert QueueExecutor().submit(tasks).handed_over == tasks
        assert take_all(server, *queues) == wanted
        with in_a_task():
            publish_one_by_one(tasks[:2])
            wanted_in_a_task = take_all(server, *queues)
            QueueExecutor().submit(tasks[:2])
        assert take_all(server, *queues) == wanted_in_a_task
    assert len(wanted) == len(tasks)
    assert "the root" in str(wanted_in_a_task)


@pytest.mark.live
@pytest.mark.shares("RabbitMQ")
def test_a_batch_on_a_quorum_queue_is_what_celery_and_kombu_send() -> None:
    tasks = tasks_of_each_kind()
    with rabbitmq() as server, application_on(server.url, queue_type="quorum"):
        queues = (queue_of(""), "reports")
        publish_one_by_one(tasks)
        wanted = take_all(server, *queues)
        assert QueueExecutor().submit(tasks).handed_over == tasks
        assert take_all(server, *queues) == wanted
    assert len(wanted) == len(tasks)


def test_each_message_has_its_own_ids(broker: Broker) -> None:
    schedule = a_schedule()
    # From 9 to 10, and from 99 to 100, the messages become longer.
    first = a_task(schedule).pk
    tasks = [a_task(schedule, pk=first + number) for number in range(1, 120)]
    assert QueueExecutor().submit(tasks).handed_over == tasks
    found = broker.stored()
    assert [ids_in(message["headers"]["id"]) for message in found] == [
        {"task_id": task.pk, "attempt": 1} for task in tasks
    ]
    for message, task in zip(found, tasks, strict=True):
        ids = message["headers"]["id"], message["headers"]["root_id"], message["properties"]["correlation_id"]
        assert len(set(ids)) == 1
        assert message["headers"]["argsrepr"] == repr((task.pk, 1))
    assert len({message["headers"]["id"] for message in found}) == len(tasks)
    assert len({message["properties"]["delivery_tag"] for message in found}) == len(tasks)


def test_celery_writes_one_message_of_each_kind(broker: Broker) -> None:
    tasks = tasks_of_each_kind()
    found = [message.pattern for message in messages(tasks, connection())]
    kinds = {(task.queue, task.priority, task.job, len(str(task.pk)), task.attempt) for task in tasks}
    assert len(set(found)) == len(kinds) < len(tasks)


def test_whoever_adds_headers_is_asked_for_each_message(broker: Broker) -> None:
    schedule = a_schedule()
    tasks = [a_task(schedule) for _ in range(2)]

    def adds(headers: dict[str, Any], body: Any, **_: object) -> None:
        headers["trace"] = body[0][0]

    before_task_publish.connect(adds)
    try:
        QueueExecutor().submit(tasks)
    finally:
        before_task_publish.disconnect(adds)
    assert [message["headers"]["trace"] for message in broker.stored()] == [task.pk for task in tasks]
